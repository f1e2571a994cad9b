/**
 * What `sotto chat` shows, kept apart from how: it follows the messenger's events and answers with immutable snapshots.
 * Only a window of each conversation is held; older messages come when one scrolls up to them.
 */
import type {
  ClientEvent,
  ConnectionState,
  ConversationSummary,
  Message,
  Messenger,
  MessageStatus,
} from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import { sanitiseLine } from "../io/sanitise.ts";
import { nextStep } from "../next-steps.ts";
import { formatNotice } from "../view.ts";

/** A remark shown between messages. */
export interface NoticeLine {
  readonly id: number;
  /** The message after which it stands; undefined: before all. */
  readonly afterId: string | undefined;
  readonly text: string;
}

/** What is loaded of one conversation. */
export interface Thread {
  /** Oldest first. */
  readonly messages: readonly Message[];
  readonly notices: readonly NoticeLine[];
  /** Whether the vault may hold older ones. */
  readonly hasOlder: boolean;
}

/** Everything that the screen shows of the account. */
export interface Snapshot {
  readonly connection: ConnectionState;
  readonly connectionProblem: string | undefined;
  readonly conversations: readonly ConversationSummary[];
  readonly active: string | undefined;
  readonly thread: Thread;
  readonly typing: ReadonlySet<string>;
  /** Something that went wrong or needs attention, until it is dismissed. */
  readonly alert: string | undefined;
}

const emptyThread: Thread = { messages: [], notices: [], hasOlder: false };
const pageSize = 100;
const typingShownMs = 6_000;
const typingEveryMs = 3_000;

/** The model of the chat screen. */
export class ChatModel {
  readonly messenger: Messenger;
  #snapshot: Snapshot;
  readonly #threads = new Map<string, Thread>();
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

  constructor(messenger: Messenger) {
    this.messenger = messenger;
    this.#snapshot = {
      connection: messenger.connection,
      connectionProblem: undefined,
      conversations: [],
      active: undefined,
      thread: emptyThread,
      typing: new Set(),
      alert: undefined,
    };
  }

  readonly getSnapshot = (): Snapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Loads the conversations and opens one: `peer`, or the newest. */
  async start(peer?: string): Promise<void> {
    this.#unsubscribe = this.messenger.subscribe((event) => this.#onEvent(event));
    this.#set({ connection: this.messenger.connection });
    await this.#refresh();
    const first = peer ?? this.#snapshot.conversations[0]?.peer;
    if (peer !== undefined) await this.begin(peer);
    else if (first !== undefined) await this.select(first);
  }

  /** Stops to follow; the messenger stays open. */
  stop(): void {
    this.#unsubscribe();
    clearTimeout(this.#refreshTimer);
    for (const timer of this.#typingTimers.values()) clearTimeout(timer);
  }

  /** Opens a conversation and marks it read. */
  async select(peer: string): Promise<void> {
    await this.#guard(async () => {
      if (!this.#threads.has(peer)) {
        const messages = await this.messenger.history(peer, { limit: pageSize });
        this.#threads.set(peer, { messages, notices: [], hasOlder: messages.length === pageSize });
      }
      this.#lastTypingMs = 0;
      this.#set({ active: peer, thread: this.#threads.get(peer) ?? emptyThread });
      await this.#markRead(peer);
    });
  }

  /** Opens the next (1) or previous (-1) conversation of the list. */
  async step(by: 1 | -1): Promise<void> {
    const { conversations, active } = this.#snapshot;
    if (conversations.length === 0) return;
    const at = conversations.findIndex(({ peer }) => peer === active);
    const next = conversations[(at + by + conversations.length) % conversations.length];
    if (next !== undefined && next.peer !== active) await this.select(next.peer);
  }

  /** Looks somebody up and opens a conversation with them. @returns whether they were found. */
  async begin(peer: string): Promise<boolean> {
    return await this.#guard(async () => {
      const known = this.#snapshot.conversations.some((one) => one.peer === peer);
      const name = known ? peer : (await this.messenger.contact(peer)).identifier;
      this.#begun.add(name);
      await this.#refresh();
      await this.select(name);
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

  /** Sends to the open conversation. @returns whether it was stored for sending. */
  async send(body: string): Promise<boolean> {
    const peer = this.#snapshot.active;
    if (peer === undefined) return false;
    this.#lastTypingMs = 0;
    return await this.#guard(async () => {
      this.#upsert(peer, await this.messenger.send(peer, body));
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

  /** Marks the open contact as verified or not. */
  async setVerified(verified: boolean): Promise<void> {
    const peer = this.#snapshot.active;
    if (peer === undefined) return;
    await this.#guard(async () => {
      await this.messenger.setVerified(peer, verified);
      await this.#refresh();
    });
  }

  /** Accepts the changed identity key of the open contact. */
  async acknowledgeIdentity(): Promise<void> {
    const peer = this.#snapshot.active;
    if (peer === undefined) return;
    await this.#guard(async () => {
      await this.messenger.acknowledgeIdentity(peer);
      await this.#refresh();
    });
  }

  /** Shows a failure with its next step, until it is dismissed. */
  showProblem(error: unknown): void {
    const code = error instanceof SottoError ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    this.#set({ alert: sanitiseLine(`${message}: ${nextStep(code)}`) });
  }

  dismissAlert(): void {
    if (this.#snapshot.alert !== undefined) this.#set({ alert: undefined });
  }

  #onEvent(event: ClientEvent): void {
    switch (event.type) {
      case "message": {
        const { message } = event;
        const peer = message.direction === "in" ? message.from : message.to;
        if (message.direction === "in") this.#setTyping(peer, false);
        this.#upsert(peer, message);
        this.#scheduleRefresh();
        if (message.direction === "in" && peer === this.#snapshot.active) this.#seen = true;
        return;
      }
      case "status":
        this.#setStatus(event.peer, event.id, event.status, event.problem);
        return;
      case "typing":
        this.#setTyping(event.from, true);
        return;
      case "connection":
        this.#set({
          connection: event.state,
          connectionProblem:
            event.state === "online" ? undefined : (event.problem ?? this.#snapshot.connectionProblem),
        });
        return;
      case "notice": {
        const { notice } = event;
        const peer = "identifier" in notice ? notice.identifier : notice.from;
        const text = formatNotice(notice);
        if (peer !== undefined) this.#addNotice(peer, text);
        if (peer === undefined || peer !== this.#snapshot.active) this.#set({ alert: text });
        this.#scheduleRefresh();
      }
    }
  }

  #upsert(peer: string, message: Message): void {
    const thread = this.#threads.get(peer);
    // Not opened yet: history() will bring it.
    if (thread === undefined) return;
    const at = thread.messages.findLastIndex(({ id }) => id === message.id);
    const messages = at === -1 ? [...thread.messages, message] : thread.messages.with(at, message);
    this.#setThread(peer, { messages });
  }

  #setStatus(peer: string, id: string, status: MessageStatus, problem: string | undefined): void {
    const messages = this.#threads.get(peer)?.messages ?? [];
    const at = messages.findLastIndex((message) => message.id === id);
    const message = messages[at];
    if (message === undefined) return;
    const changed = { ...message, status, ...(problem === undefined ? {} : { problem }) };
    this.#setThread(peer, { messages: messages.with(at, changed) });
  }

  #addNotice(peer: string, text: string): void {
    const thread = this.#threads.get(peer);
    if (thread === undefined) return;
    const notice = { id: this.#noticeCount++, afterId: thread.messages.at(-1)?.id, text };
    this.#setThread(peer, { notices: [...thread.notices, notice] });
  }

  #setThread(peer: string, changes: Partial<Thread>): void {
    const thread = { ...(this.#threads.get(peer) ?? emptyThread), ...changes };
    this.#threads.set(peer, thread);
    if (peer === this.#snapshot.active) this.#set({ thread });
  }

  #setTyping(peer: string, on: boolean): void {
    clearTimeout(this.#typingTimers.get(peer));
    const typing = new Set(this.#snapshot.typing);
    if (on) {
      typing.add(peer);
      this.#typingTimers.set(
        peer,
        setTimeout(() => this.#setTyping(peer, false), typingShownMs),
      );
    } else if (!typing.delete(peer)) return;
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
        if (this.#snapshot.active === undefined && first !== undefined) await this.select(first.peer);
      });
    }, 30);
  }

  async #refresh(): Promise<void> {
    const stored = await this.messenger.conversations();
    for (const { peer } of stored) this.#begun.delete(peer);
    const contacts = this.#begun.size === 0 ? [] : await this.messenger.contacts();
    const begun = Array.from(this.#begun, (peer) => ({
      peer,
      unread: 0,
      last: undefined,
      contact: contacts.find(({ identifier }) => identifier === peer),
    }));
    this.#set({ conversations: [...begun, ...stored] });
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
