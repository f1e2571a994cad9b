/**
 * The list of conversations in the page: read when the engine opens, what is seen first before the rest, and one by one as something happens
 * in them.
 */
import type { ClientEvent, ConversationSummary } from "@sotto/client/web";
import type { EngineClient } from "../page/engine-client.ts";

/** The list. */
export interface Conversations {
  /** undefined until it was read. The newest first; only those that the list begins with until it is whole. */
  readonly all: readonly ConversationSummary[] | undefined;
  readonly whole: boolean;
  /** Who is typing, by conversation. */
  readonly typing: ReadonlyMap<string, string>;
  subscribe(changed: () => void): () => void;
}

/** What names a conversation in addresses and calls: a group's id, or a person's identifier. */
export const keyOf = ({ group, peer }: Pick<ConversationSummary, "group" | "peer">): string =>
  group?.id ?? peer;

const typingMs = 6_000;
/** More than a screen has. */
const firstRows = 24;

/** Keeps the list. */
export function trackConversations(engine: EngineClient): Conversations {
  const listeners = new Set<() => void>();
  const stale = new Set<string>();
  const typingTimers = new Map<string, ReturnType<typeof setTimeout>>();
  let all: readonly ConversationSummary[] | undefined;
  let typing: ReadonlyMap<string, string> = new Map();
  let whole = false;
  let readFor: string | undefined;
  let refreshing = false;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const readAll = async (): Promise<void> => {
    const { term } = engine;
    if (engine.state.phase !== "open") {
      readFor = undefined;
      if (all !== undefined) {
        all = undefined;
        whole = false;
        changed();
      }
      return;
    }
    if (readFor === term) return;
    readFor = term;
    try {
      const take = (read: readonly ConversationSummary[], isWhole: boolean): void => {
        if (engine.term !== term || readFor !== term) return;
        all = read;
        whole = isWhole;
        changed();
      };
      if (all === undefined) {
        const first = await engine.calls.conversations({ first: firstRows });
        take(first, first.length < firstRows);
        if (whole) return;
      }
      take(await engine.calls.conversations(), true);
    } catch {
      readFor = undefined;
    }
  };

  const refresh = async (): Promise<void> => {
    if (refreshing) return;
    refreshing = true;
    try {
      while (stale.size > 0) {
        const [asked] = stale as Iterable<string>;
        if (asked === undefined) break;
        stale.delete(asked);
        const summary = await engine.calls.conversation(asked);
        // Some events call a group by its name.
        const key = summary === undefined ? asked : keyOf(summary);
        const others = (all ?? []).filter((known) => keyOf(known) !== key);
        const before = (all ?? []).find((known) => keyOf(known) === key);
        if (summary === undefined) all = others;
        else if (before?.last?.id === summary.last?.id && before !== undefined) {
          all = (all ?? []).map((known) => (known === before ? summary : known));
        } else {
          const at = others.findIndex((known) => timeOf(known) <= timeOf(summary));
          all = others.toSpliced(at < 0 ? others.length : at, 0, summary);
        }
        changed();
      }
    } catch {
      // Its next event, or the next leader, reads it again.
    } finally {
      refreshing = false;
    }
  };

  const setTyping = (key: string, who: string | undefined): void => {
    clearTimeout(typingTimers.get(key));
    const next = new Map(typing);
    if (who === undefined) next.delete(key);
    else {
      next.set(key, who);
      typingTimers.set(
        key,
        setTimeout(() => setTyping(key, undefined), typingMs),
      );
    }
    if (who !== undefined || typing.has(key)) {
      typing = next;
      changed();
    }
  };

  const take = (event: ClientEvent): void => {
    if (event.type === "typing") return setTyping(event.groupId ?? event.from, event.from);
    if (event.type === "history") {
      // A part of a linked device's history: it can be of any of them.
      readFor = undefined;
      return void readAll();
    }
    const key = conversationOf(event);
    if (key === undefined) return;
    if (event.type === "message") setTyping(key, undefined);
    stale.add(key);
    void refresh();
  };

  engine.subscribe((event) => {
    if (event.type === "state") void readAll();
    else if (event.type === "client") take(event.event);
  });

  return {
    get all() {
      return all;
    },
    get whole() {
      return whole;
    },
    get typing() {
      return typing;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const timeOf = ({ last }: ConversationSummary): number => last?.sentAt ?? Number.MAX_SAFE_INTEGER;

/** The conversation that an event is about. */
function conversationOf(event: ClientEvent): string | undefined {
  switch (event.type) {
    case "message":
      return event.message.groupId ?? event.message.conversation;
    case "joins":
      return event.groupId;
    case "message_changed":
      return event.message.groupId ?? event.message.conversation;
    case "messages_removed":
      return event.groupId ?? event.conversation;
    case "conversation":
      return event.groupId ?? event.peer;
    case "status":
      return event.peer;
    case "notice": {
      const { notice } = event;
      if (notice.type === "group_changed") return notice.groupId;
      if (notice.type === "identity_changed") return notice.identifier;
      return undefined;
    }
    default:
      return undefined;
  }
}
