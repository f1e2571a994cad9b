/**
 * What `sotto chat` shows, kept apart from how: it follows the messenger's events and answers with immutable snapshots.
 * Only a window of each conversation is held; older messages come when one scrolls up to them.
 */
import type {
  ClientEvent,
  ConnectionState,
  Contact,
  ConversationSummary,
  GroupMember,
  Message,
  Messenger,
  MessageStatus,
  Notice,
  SendOptions,
} from "@sotto/client";
import { UsageError } from "@sotto/protocol";
import { connectionFailure, fatalProblems } from "../session.ts";
import { formatChange, formatNotice } from "../view.ts";
import { explain } from "./explain.ts";

/** Of a conversation that was only begun. */
const nothingDecided = {
  request: undefined,
  pinned: false,
  archived: false,
  markedUnread: false,
  mutedUntil: 0,
  draft: "",
};

/** A remark shown between messages. */
export interface NoticeLine {
  readonly id: number;
  /** The message after which it stands; undefined: before all. */
  readonly afterId: string | undefined;
  readonly text: string;
  /** info: something happened. warning: somebody should look. */
  readonly tone: "info" | "warning";
}

/** What is loaded of one conversation. */
export interface Thread {
  /** Oldest first. */
  readonly messages: readonly Message[];
  readonly notices: readonly NoticeLine[];
  /** Whether the vault may hold older ones. */
  readonly hasOlder: boolean;
}

/** What a conversation is known by here: a peer's identifier, or a group's id, since names of groups may be equal. */
export const keyOf = ({ peer, group }: ConversationSummary): string => group?.id ?? peer;

/** The open conversation. */
export const activeOf = ({ conversations, active }: Snapshot): ConversationSummary | undefined =>
  conversations.find((one) => keyOf(one) === active);

/** Everything that the screen shows of the account. */
export interface Snapshot {
  readonly connection: ConnectionState;
  readonly connectionProblem: string | undefined;
  readonly conversations: readonly ConversationSummary[];
  /** Key of the open conversation. */
  readonly active: string | undefined;
  readonly thread: Thread;
  /** People of the open group; undefined with a person, or until they are loaded. */
  readonly members: readonly GroupMember[] | undefined;
  /** By identifier. */
  readonly contacts: ReadonlyMap<string, Contact>;
  /** Who types, by key of the conversation. */
  readonly typing: ReadonlyMap<string, string>;
  /** On a device that was just linked: how much of the history has come; undefined when nothing is under way. */
  readonly history: { readonly taken: number; readonly parts: number } | undefined;
  /** Something that went wrong or needs attention, until it is dismissed. */
  readonly alert: string | undefined;
}

const emptyThread: Thread = { messages: [], notices: [], hasOlder: false };
const pageSize = 100;
/** Messages that are loaded at a time on the way to one that was found. */
const reachSize = 1_000;
const typingShownMs = 6_000;
const typingEveryMs = 3_000;

/** The model of the chat screen. */
export class ChatModel {
  readonly messenger: Messenger;
  #snapshot: Snapshot;
  readonly #threads = new Map<string, Thread>();
  /** Notices of conversations that were not opened yet. */
  readonly #early = new Map<string, readonly NoticeLine[]>();
  readonly #listeners = new Set<() => void>();
  readonly #typingTimers = new Map<string, NodeJS.Timeout>();
  /** Conversations that were begun here and hold no message yet. */
  readonly #begun = new Set<string>();
  #unsubscribe: () => void = () => undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  #lastTypingMs = 0;
  /** Whether messages came into the open conversation since it was last marked read. */
  #seen = false;
  #noticeCount = 0;
  #toldProblem: string | undefined;
  /** Numbers of the parts of the history that came to a device that was just linked. */
  readonly #taken = new Set<number>();

  constructor(messenger: Messenger) {
    this.messenger = messenger;
    this.#snapshot = {
      connection: messenger.connection,
      connectionProblem: undefined,
      conversations: [],
      active: undefined,
      thread: emptyThread,
      members: undefined,
      contacts: new Map(),
      typing: new Map(),
      history: undefined,
      alert: undefined,
    };
  }

  readonly getSnapshot = (): Snapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Loads the conversations and opens one: `peer` (a person, or a group's name or id), or the newest. */
  async start(peer?: string): Promise<void> {
    this.#unsubscribe = this.messenger.subscribe((event) => this.#onEvent(event));
    this.#set({ connection: this.messenger.connection });
    await this.#refresh();
    const [first] = this.#snapshot.conversations;
    if (peer !== undefined) await this.begin(peer);
    else if (first !== undefined) await this.select(keyOf(first));
  }

  /** Stops to follow; the messenger stays open. */
  stop(): void {
    this.#unsubscribe();
    clearTimeout(this.#refreshTimer);
    for (const timer of this.#typingTimers.values()) clearTimeout(timer);
  }

  /** Opens a conversation and marks it read. */
  async select(key: string): Promise<void> {
    await this.#guard(async () => {
      if (!this.#threads.has(key)) {
        const messages = await this.messenger.history(key, { limit: pageSize });
        const notices = this.#early.get(key) ?? [];
        this.#early.delete(key);
        this.#threads.set(key, { messages, notices, hasOlder: messages.length === pageSize });
      }
      this.#lastTypingMs = 0;
      this.#set({ active: key, thread: this.#threads.get(key) ?? emptyThread, members: undefined });
      await this.#markRead(key);
      await this.#loadMembers();
    });
  }

  /** Opens the next (1) or previous (-1) conversation of the list. */
  async step(by: 1 | -1): Promise<void> {
    const { conversations, active } = this.#snapshot;
    if (conversations.length === 0) return;
    const at = conversations.findIndex((one) => keyOf(one) === active);
    const next = conversations[(at + by + conversations.length) % conversations.length];
    if (next !== undefined && keyOf(next) !== active) await this.select(keyOf(next));
  }

  /** Opens a conversation that there is, or looks somebody up and begins one. @returns whether that went well. */
  async begin(peer: string): Promise<boolean> {
    return await this.#guard(async () => {
      const { conversations } = this.#snapshot;
      const found = conversations.filter((one) => keyOf(one) === peer || one.peer === peer);
      const [known] = found;
      if (known?.group !== undefined && found.length > 1) {
        throw new UsageError("group_ambiguous", "several groups have that name");
      }
      if (known !== undefined) return await this.select(keyOf(known));
      const { identifier } = await this.messenger.contact(peer);
      this.#begun.add(identifier);
      await this.#refresh();
      await this.select(identifier);
    });
  }

  /** Does something to the account or a group of it, and looks at it anew. @returns whether it went well; if not, the alert says why. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    return await this.#guard(async () => {
      await work();
      await this.#refresh();
      await this.#loadMembers();
    });
  }

  /** Loads older messages of the open conversation. */
  async loadOlder(): Promise<void> {
    const { active, thread } = this.#snapshot;
    const oldest = thread.messages[0];
    if (active === undefined || oldest === undefined || !thread.hasOlder) return;
    // One page at a time, however fast somebody scrolls.
    this.#setThread(active, { hasOlder: false });
    await this.#guard(async () => {
      const older = await this.messenger.history(active, { limit: pageSize, before: oldest.id });
      const now = this.#threads.get(active) ?? emptyThread;
      this.#setThread(active, { messages: [...older, ...now.messages], hasOlder: older.length === pageSize });
    });
  }

  /** Opens a conversation and loads it back to a message. @returns whether the message is there. */
  async reach(key: string, id: string): Promise<boolean> {
    await this.select(key);
    return await this.#guard(async () => {
      for (;;) {
        const { active, thread } = this.#snapshot;
        if (active !== key || thread.messages.some((one) => one.id === id)) return;
        const oldest = thread.messages[0];
        if (oldest === undefined || !thread.hasOlder) throw new UsageError("usage", "that message is gone");
        const older = await this.messenger.history(key, { limit: reachSize, before: oldest.id });
        const now = this.#threads.get(key) ?? emptyThread;
        // Somebody scrolled meanwhile, and loaded the same.
        if (now.messages[0]?.id !== oldest.id) continue;
        this.#setThread(key, { messages: [...older, ...now.messages], hasOlder: older.length === reachSize });
      }
    });
  }

  /** Sends a message of the open conversation once more that could not be sent. */
  async sendAgain(id: string): Promise<boolean> {
    const peer = this.#snapshot.active;
    if (peer === undefined) return false;
    return await this.#guard(async () => {
      this.#upsert(peer, await this.messenger.sendAgain(peer, id));
      this.#scheduleRefresh();
    });
  }

  /** Sends to the open conversation. @returns whether it was stored for sending. */
  async send(body: string, options: SendOptions = {}): Promise<boolean> {
    const peer = this.#snapshot.active;
    if (peer === undefined) return false;
    this.#lastTypingMs = 0;
    return await this.#guard(async () => {
      this.#upsert(peer, await this.messenger.send(peer, body, options));
      this.#scheduleRefresh();
    });
  }

  /** Tells the other side that one is writing; at most every few seconds. */
  noteTyping(): void {
    const peer = this.#snapshot.active;
    const now = Date.now();
    if (peer === undefined || now - this.#lastTypingMs < typingEveryMs) return;
    this.#lastTypingMs = now;
    // A hint: when it does not go out, nobody needs to know.
    this.messenger.sendTyping(peer).catch(() => undefined);
  }

  /** Shows a failure with its next step, until it is dismissed. */
  showProblem(error: unknown): void {
    this.#set({ alert: explain(error) });
  }

  dismissAlert(): void {
    if (this.#snapshot.alert !== undefined) this.#set({ alert: undefined });
  }

  #onEvent(event: ClientEvent): void {
    switch (event.type) {
      case "message": {
        const { message } = event;
        const key = message.groupId ?? message.conversation;
        if (message.direction === "in") this.#setTyping(key, undefined);
        this.#upsert(key, message);
        this.#scheduleRefresh();
        if (message.direction === "in" && key === this.#snapshot.active) this.#seen = true;
        return;
      }
      case "message_changed": {
        const { message } = event;
        this.#replace(message.groupId ?? message.conversation, message);
        this.#scheduleRefresh();
        return;
      }
      case "conversation":
        if (event.deleted === true) void this.#guard(() => this.#afterDeleting(event.groupId ?? event.peer));
        this.#scheduleRefresh();
        return;
      case "messages_removed":
        this.#remove(event.groupId ?? event.conversation, new Set(event.ids));
        this.#scheduleRefresh();
        return;
      case "status":
        this.#setStatus(event.id, event.status, event.problem);
        return;
      case "typing":
        this.#setTyping(event.groupId ?? event.from, event.from);
        return;
      case "connection":
        this.#set({
          connection: event.state,
          connectionProblem:
            event.state === "online" ? undefined : (event.problem ?? this.#snapshot.connectionProblem),
        });
        // Waiting does not mend it: what to do is said, once.
        if (event.problem !== undefined && fatalProblems.has(event.problem)) {
          if (this.#toldProblem !== event.problem) this.showProblem(connectionFailure(event.problem));
          this.#toldProblem = event.problem;
        }
        return;
      case "notice":
        this.#onNotice(event.notice);
        return;
      case "history":
        this.#onHistory(event.part, event.parts);
    }
  }

  /** Older messages came: what is loaded of any conversation may lack them. */
  #onHistory(part: number, parts: number): void {
    this.#taken.add(part);
    const taken = this.#taken.size;
    if (taken >= parts) this.#taken.clear();
    this.#set({ history: taken >= parts ? undefined : { taken, parts } });
    void this.#guard(async () => {
      const { active } = this.#snapshot;
      for (const key of this.#threads.keys()) await this.#reload(key);
      await this.#refresh();
      const [first] = this.#snapshot.conversations;
      if (active === undefined && first !== undefined) await this.select(keyOf(first));
    });
  }

  async #reload(key: string): Promise<void> {
    const messages = await this.messenger.history(key, { limit: pageSize });
    this.#setThread(key, { messages, hasOlder: messages.length === pageSize });
  }

  /** What is loaded of a conversation may not be there any more, nor the conversation. */
  async #afterDeleting(key: string): Promise<void> {
    const stored = await this.messenger.conversations();
    if (stored.some((one) => keyOf(one) === key)) {
      if (this.#threads.has(key)) await this.#reload(key);
      return;
    }
    this.#threads.delete(key);
    if (key === this.#snapshot.active)
      this.#set({ active: undefined, thread: emptyThread, members: undefined });
  }

  #onNotice(notice: Notice): void {
    const self = this.messenger.self.identifier;
    const key = this.#keyOfNotice(notice);
    const text = formatNotice(notice, self);
    const changed = notice.type === "group_changed";
    const tone = changed || notice.type === "healed" ? "info" : "warning";
    if (key !== undefined) this.#addNotice(key, changed ? formatChange(notice, self) : text, tone);
    // What others do in a group that is not open is found there; what concerns oneself is told at once.
    const concerns = !changed || ("who" in notice.change && notice.change.who.includes(self));
    const open = key !== undefined && key === this.#snapshot.active;
    if (concerns && !open) this.#set({ alert: text });
    if (open) void this.#guard(() => this.#loadMembers());
    this.#scheduleRefresh();
  }

  #keyOfNotice(notice: Notice): string | undefined {
    if (notice.type === "group_changed") return notice.groupId;
    if (notice.type === "healed") return this.#keyNamed(notice.conversation);
    if ("identifier" in notice) return notice.identifier;
    return "from" in notice && notice.from !== undefined ? this.#keyNamed(notice.from) : undefined;
  }

  #keyNamed(name: string): string {
    const found = this.#snapshot.conversations.find(({ peer }) => peer === name);
    return found === undefined ? name : keyOf(found);
  }

  async #loadMembers(): Promise<void> {
    const conversation = activeOf(this.#snapshot);
    if (conversation?.group === undefined) return;
    const key = keyOf(conversation);
    const members = await this.messenger.groupMembers(key);
    if (this.#snapshot.active === key) this.#set({ members });
  }

  #upsert(peer: string, message: Message): void {
    const thread = this.#threads.get(peer);
    // Not opened yet: history() will bring it.
    if (thread === undefined) return;
    const at = thread.messages.findLastIndex(({ id }) => id === message.id);
    const messages = at === -1 ? [...thread.messages, message] : thread.messages.with(at, message);
    this.#setThread(peer, { messages });
  }

  /** Puts a message in the place of what was shown of it; and what answers it shows it as it is now. */
  #replace(peer: string, message: Message): void {
    const thread = this.#threads.get(peer);
    if (thread === undefined) return;
    const messages = thread.messages.map((one) => {
      if (one.id === message.id) return message;
      if (one.replyTo?.id !== message.id) return one;
      return { ...one, replyTo: { ...one.replyTo, body: message.body } };
    });
    this.#setThread(peer, { messages });
  }

  #remove(peer: string, ids: ReadonlySet<string>): void {
    const thread = this.#threads.get(peer);
    if (thread === undefined) return;
    const messages = thread.messages.filter(({ id }) => !ids.has(id));
    const left = new Set(messages.map(({ id }) => id));
    // What stood after one that is gone, stands after the one before it.
    const notices = thread.notices.map((notice) =>
      notice.afterId === undefined || left.has(notice.afterId)
        ? notice
        : { ...notice, afterId: lastLeft(thread.messages, notice.afterId, left) },
    );
    this.#setThread(peer, { messages, notices });
  }

  /** The message's id finds it: names of groups may be equal. */
  #setStatus(id: string, status: MessageStatus, problem: string | undefined): void {
    for (const [key, { messages }] of this.#threads) {
      const at = messages.findLastIndex((message) => message.id === id);
      const message = messages[at];
      if (message === undefined) continue;
      const changed = { ...message, status, ...(problem === undefined ? {} : { problem }) };
      this.#setThread(key, { messages: messages.with(at, changed) });
      return;
    }
  }

  #addNotice(key: string, text: string, tone: NoticeLine["tone"]): void {
    const thread = this.#threads.get(key);
    const id = this.#noticeCount++;
    if (thread !== undefined) {
      const notice = { id, afterId: thread.messages.at(-1)?.id, text, tone };
      this.#setThread(key, { notices: [...thread.notices, notice] });
      return;
    }
    const afterId = this.#snapshot.conversations.find((one) => keyOf(one) === key)?.last?.id;
    this.#early.set(key, [...(this.#early.get(key) ?? []), { id, afterId, text, tone }]);
  }

  #setThread(peer: string, changes: Partial<Thread>): void {
    const thread = { ...(this.#threads.get(peer) ?? emptyThread), ...changes };
    this.#threads.set(peer, thread);
    if (peer === this.#snapshot.active) this.#set({ thread });
  }

  #setTyping(key: string, who: string | undefined): void {
    clearTimeout(this.#typingTimers.get(key));
    const typing = new Map(this.#snapshot.typing);
    if (who !== undefined) {
      typing.set(key, who);
      this.#typingTimers.set(
        key,
        setTimeout(() => this.#setTyping(key, undefined), typingShownMs),
      );
    } else if (!typing.delete(key)) return;
    this.#set({ typing });
  }

  async #markRead(peer: string): Promise<void> {
    await this.#guard(async () => {
      await this.messenger.markRead(peer);
      this.#scheduleRefresh();
    });
  }

  /** Many events in a row cause one refresh. */
  #scheduleRefresh(): void {
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined;
      void this.#guard(async () => {
        const { active } = this.#snapshot;
        if (this.#seen && active !== undefined) await this.messenger.markRead(active);
        this.#seen = false;
        await this.#refresh();
        // The first message to somebody who had none opens its conversation.
        const [first] = this.#snapshot.conversations;
        if (this.#snapshot.active === undefined && first !== undefined) await this.select(keyOf(first));
      });
    }, 30);
  }

  async #refresh(): Promise<void> {
    const stored = await this.messenger.conversations();
    for (const { peer, group } of stored) if (group === undefined) this.#begun.delete(peer);
    const contacts = new Map((await this.messenger.contacts()).map((one) => [one.identifier, one]));
    const begun = Array.from(this.#begun, (peer) => ({
      peer,
      group: undefined,
      unread: 0,
      last: undefined,
      contact: contacts.get(peer),
      ...nothingDecided,
    }));
    const inOrder = [true, false].flatMap((pinned) => stored.filter((one) => one.pinned === pinned));
    const [shown, archived] = [false, true].map((is) => inOrder.filter((one) => one.archived === is));
    this.#set({ conversations: [...begun, ...(shown ?? []), ...(archived ?? [])], contacts });
  }

  /** Runs a step; a failure becomes an alert with its next step instead of ending the screen. */
  async #guard(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.showProblem(error);
      return false;
    }
  }

  #set(changes: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...changes };
    for (const listener of this.#listeners) listener();
  }
}

/** The nearest message before one that is gone. */
function lastLeft(messages: readonly Message[], gone: string, left: ReadonlySet<string>): string | undefined {
  const at = messages.findIndex(({ id }) => id === gone);
  return messages.slice(0, Math.max(0, at)).findLast(({ id }) => left.has(id))?.id;
}
