/**
 * The messages of one conversation in the page: a window that slides over the history, so that a hundred thousand messages cost as much
 * as a few hundred. Its newest end follows what comes in, unless the window was slid away from it.
 */
import type { ClientEvent, Message } from "@sotto/client/web";
import type { EngineClient } from "../page/engine-client.ts";

/** Messages read at a time. */
const PAGE = 50;
/** Most messages in the window. */
const MOST = 250;

/** What a timeline shows. */
export interface Window {
  /** Oldest first; undefined until they were read. */
  readonly messages: readonly Message[] | undefined;
  readonly older: boolean;
  readonly newer: boolean;
  /** The message that was the first unread one when the conversation was opened. */
  readonly unreadFrom: string | undefined;
  /** A message that is to be seen now; another object each time. */
  readonly target: { readonly id: string } | undefined;
}

/** A conversation's messages. */
export interface Timeline {
  readonly window: Window;
  subscribe(changed: () => void): () => void;
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Back to the newest messages. */
  toNewest(): Promise<void>;
  /** Shows the messages around one. */
  toMessage(id: string): Promise<void>;
  /** Leaves a message out until the returned function is called. */
  hide(id: string): () => void;
  /** Stops listening. */
  close(): void;
}

const statuses = ["queued", "failed", "sent", "delivered", "received", "read"];

/**
 * Opens the timeline of a conversation. @param unread how many of its messages were not shown. @param at the message that it begins with,
 * which toMessage() shows; absent: the newest.
 */
export function openTimeline(engine: EngineClient, key: string, unread: number, at?: string): Timeline {
  const listeners = new Set<() => void>();
  let window: Window = {
    messages: undefined,
    older: false,
    newer: false,
    unreadFrom: undefined,
    target: undefined,
  };
  const hidden = new Set<string>();
  /** With those that are hidden. */
  let found: readonly Message[] | undefined;
  let busy: Promise<void> | undefined;
  /** The newest are to be read once what is read now is there. */
  let again = false;
  /** What happened while messages are read: whoever read them may not have known of it. */
  let meanwhile: ClientEvent[] = [];
  let missedUnread = unread;
  let { term } = engine;

  const show = (next: Partial<Window>): void => {
    if (next.messages !== undefined) found = next.messages;
    const messages = hidden.size === 0 ? found : found?.filter(({ id }) => !hidden.has(id));
    window = { ...window, ...next, messages };
    for (const listener of listeners) listener();
  };
  /** One reading at a time: what comes while one is under way is dropped, the scroll asks again. */
  const alone = async (work: () => Promise<void>): Promise<void> => {
    if (busy !== undefined) return;
    meanwhile = [];
    busy = work().catch(() => undefined);
    // What failed is read again by the next scroll, or under the next leader.
    await busy;
    busy = undefined;
    if (!again) return;
    again = false;
    await toNewest();
  };
  /** What is shown is not so any more. */
  const renew = (): void => {
    if (busy === undefined) void toNewest();
    else again = true;
  };
  /** Shows what was read, with what happened since the reading began. */
  const showRead = (next: Partial<Window>): void => {
    show(next);
    for (const event of meanwhile) take(event);
  };

  const readNewest = async (): Promise<void> => {
    const messages = await engine.calls
      .history(key, { limit: Math.min(MOST, Math.max(PAGE, missedUnread + 5)) })
      .catch(unknown);
    const received = messages.filter(({ direction }) => direction === "in");
    const first = missedUnread > 0 ? received.at(-Math.min(missedUnread, received.length)) : undefined;
    missedUnread = 0;
    showRead({
      messages,
      older: messages.length >= PAGE,
      newer: false,
      unreadFrom: first?.id ?? window.unreadFrom,
    });
  };
  const toNewest = (): Promise<void> => alone(readNewest);
  const readAround = async (id: string): Promise<void> => {
    const before = await engine.calls.history(key, { before: id, limit: PAGE });
    const first = before[0] ?? (await engine.calls.message(key, id));
    const rest = await engine.calls.history(key, { after: first.id, limit: 2 * PAGE });
    const messages = [first, ...rest];
    showRead({ messages, older: before.length >= PAGE, newer: rest.length >= 2 * PAGE, target: { id } });
  };

  const patch = (id: string, change: (message: Message) => Message): void => {
    const messages = found;
    if (messages?.some((message) => message.id === id) !== true) return;
    show({ messages: messages.map((message) => (message.id === id ? change(message) : message)) });
  };

  /** Answers show what they answer as it is now. */
  const requote = ({ id, body }: Message): void => {
    if (found?.some(({ replyTo }) => replyTo?.id === id) !== true) return;
    show({
      messages: found.map((message) =>
        message.replyTo?.id === id ? { ...message, replyTo: { ...message.replyTo, body } } : message,
      ),
    });
  };

  const take = (happened: ClientEvent): void => {
    if (happened.type === "message") {
      const { message } = happened;
      if ((message.groupId ?? message.conversation) !== key || window.newer) return;
      const messages = found ?? [];
      if (messages.some(({ id, direction }) => id === message.id && direction === message.direction)) return;
      show({ messages: [...messages, message].slice(-MOST), older: window.older || messages.length >= MOST });
    } else if (happened.type === "message_changed") {
      const { message } = happened;
      if ((message.groupId ?? message.conversation) !== key) return;
      patch(message.id, () => message);
      requote(message);
    } else if (happened.type === "messages_removed") {
      const gone = new Set(happened.ids);
      if ((happened.groupId ?? happened.conversation) !== key) return;
      show({ messages: (found ?? []).filter(({ id }) => !gone.has(id)) });
    } else if (happened.type === "conversation") {
      if (happened.deleted === true && (happened.groupId ?? happened.peer) === key) renew();
    } else if (happened.type === "status") {
      const { id, status, problem } = happened;
      patch(id, (message) =>
        statuses.indexOf(status) < statuses.indexOf(message.status)
          ? message
          : { ...message, status, ...(problem !== undefined && { problem }) },
      );
    }
  };

  const stop = engine.subscribe((event) => {
    if (event.type === "client") {
      if (busy !== undefined) meanwhile.push(event.event);
      return take(event.event);
    }
    if (event.type !== "state") return;
    // Under another leader: what happened in between was told to nobody here.
    const anew = found === undefined || (event.term !== term && !window.newer);
    if (event.state.phase !== "open" || !anew) return;
    ({ term } = event);
    renew();
  });

  if (engine.state.phase === "open" && at === undefined) void toNewest();

  return {
    get window() {
      return window;
    },
    hide(id) {
      hidden.add(id);
      show({});
      return () => {
        hidden.delete(id);
        show({});
      };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    loadOlder: () =>
      alone(async () => {
        const { older } = window;
        const first = found?.[0];
        if (first === undefined || !older) return;
        const page = await engine.calls.history(key, { before: first.id, limit: PAGE });
        const all = [...page, ...(found ?? [])];
        show({
          messages: all.slice(0, MOST),
          older: page.length >= PAGE,
          newer: window.newer || all.length > MOST,
        });
      }),
    loadNewer: () =>
      alone(async () => {
        const { newer } = window;
        const last = found?.at(-1);
        if (last === undefined || !newer) return;
        const page = await engine.calls.history(key, { after: last.id, limit: PAGE });
        const all = [...(found ?? []), ...page];
        show({
          messages: all.slice(-MOST),
          newer: page.length >= PAGE,
          older: window.older || all.length > MOST,
        });
      }),
    toNewest,
    async toMessage(id) {
      // A jump is not dropped: nobody would ask for it again.
      await busy;
      if (found?.some((message) => message.id === id) === true) return show({ target: { id } });
      await alone(() =>
        readAround(id).catch(async (cause: unknown) => {
          // It is not there any more.
          if (found !== undefined) throw cause;
          await readNewest();
        }),
      );
    },
    close: stop,
  };
}

/** Nobody wrote there yet. */
const unknown = (cause: { readonly code?: string }): readonly Message[] => {
  if (cause.code === "contact_unknown") return [];
  throw cause;
};
