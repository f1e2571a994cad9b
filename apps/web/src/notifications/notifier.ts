/**
 * System notifications while nobody looks at the app: one of the tabs shows them. What is muted, blocked or only a request is left alone,
 * and what is read elsewhere in the moment before. They name conversations by random numbers, so that the browser's own records of
 * notifications hold no identifier beside what is shown.
 */
import type { ConversationSummary, Message } from "@sotto/client/web";
import { go } from "../app/route.ts";
import type { EngineClient } from "../page/engine-client.ts";
import { keyOf, type Conversations } from "../store/conversations.ts";
import type { NotificationWords } from "../text/notifications.ts";
import { chosenNotifications, type NotificationChoice } from "./choice.ts";
import { anyLookedAt, tellLookedAt } from "./looked-at.ts";

/** What a notification carries for the service worker. */
interface NotificationData {
  /** Random; the page knows which conversation it means. */
  readonly id: string;
}

/** What is shown. */
interface Said {
  readonly title: string;
  readonly body: string;
}
/** How much of it, where anything is. */
type Told = Exclude<NotificationChoice, "off">;
type Say = (summary: ConversationSummary, choice: Told, words: NotificationWords) => Said | undefined;

/** Time for other devices to say that it was read there. */
const settleMs = 800;
const mostShown = 200;
const icon = "/icon-192.png";

/** Shows notifications until `signal` ends it. */
export function startNotifier(
  engine: EngineClient,
  conversations: Conversations,
  words: () => NotificationWords,
  signal: AbortSignal,
): void {
  const ids = new Map<string, string>();
  const idOf = (key: string): string => {
    const id = ids.get(key) ?? crypto.randomUUID();
    ids.set(key, id);
    return id;
  };
  let leads = false;

  /** @param about what names it in `ids`. @param say what is shown of the conversation as it is then; undefined: nothing. */
  const show = async (key: string, about: string, say: Say): Promise<void> => {
    if (chosenNotifications() === "off" || (await anyLookedAt())) return;
    await new Promise((later) => setTimeout(later, settleMs));
    if (signal.aborted || engine.state.phase !== "open" || (await anyLookedAt())) return;
    const summary = await engine.calls.conversation(key);
    const choice = chosenNotifications();
    if (summary === undefined || choice === "off") return;
    const said = say(summary, choice, words());
    if (said === undefined) return;
    const { title, body } = said;
    const registration = await navigator.serviceWorker.ready;
    const data: NotificationData = { id: idOf(about) };
    // Newer than what TypeScript knows: a second message of a conversation is heard as well.
    const options = { body, tag: data.id, renotify: true, icon, badge: icon, data };
    await registration.showNotification(title, options);
  };

  /** Somebody may ask to be let into a group: told when there are more than before. */
  const asked = (group: string | undefined): void => {
    if (group === undefined) return;
    const before = conversations.all?.find((known) => keyOf(known) === group)?.asking ?? 0;
    show(group, joinsOf(group), ({ peer, asking = 0, mutedUntil }, choice, { app, messages, joins }) =>
      asking <= before || isMuted(mutedUntil)
        ? undefined
        : choice === "nothing"
          ? { title: app, body: messages(1) }
          : { title: peer, body: joins },
    ).catch(() => undefined);
  };

  // One of the tabs, the longest open.
  void navigator.locks
    .request("sotto/notifier", { signal }, () => {
      leads = true;
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    })
    .catch(() => undefined);
  // Whoever comes back sees it all.
  tellLookedAt(signal, () => void close(() => true));

  const ended = [
    engine.subscribe((event) => {
      if (!leads || event.type !== "client") return;
      if (event.event.type === "joins") return asked(event.event.groupId);
      if (event.event.type !== "message") return;
      const { message } = event.event;
      if (message.direction !== "in" || message.kind === "timer" || message.deleted === true) return;
      const key = message.groupId ?? message.conversation;
      show(key, key, (...now) => textOf(message, ...now)).catch(() => undefined);
    }),
    conversations.subscribe(() => {
      const done = (conversations.all ?? []).flatMap((summary) => [
        ...(summary.unread === 0 ? [keyOf(summary)] : []),
        ...(summary.asking === undefined ? [joinsOf(keyOf(summary))] : []),
      ]);
      const over = done.filter((about) => ids.has(about));
      if (leads && over.length > 0) {
        const gone = new Set(over.map((about) => ids.get(about)));
        for (const about of over) ids.delete(about);
        void close((id) => gone.has(id));
      }
    }),
  ];
  navigator.serviceWorker?.addEventListener(
    "message",
    ({ data, ports }: MessageEvent<{ readonly type?: string; readonly id?: string }>) => {
      const about = [...ids].find(([, id]) => id === data.id)?.[0];
      if (data.type !== "open" || about === undefined) return;
      const [key = "", joins] = about.split("\n");
      go({ screen: "conversation", key, ...(joins !== undefined && { panel: "details" }) });
      ports[0]?.postMessage("opened");
    },
    { signal },
  );
  signal.addEventListener("abort", () => {
    for (const end of ended) end();
    void close(() => true);
  });
}

/** Takes away what is shown and not wanted any more. */
async function close(unwanted: (id: string) => boolean): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? []) {
    if (unwanted((shown.data as NotificationData | null)?.id ?? "")) shown.close();
  }
}

/** What names the requests to join a group, beside its messages. */
const joinsOf = (key: string): string => `${key}\njoins`;

const isMuted = (mutedUntil: number): boolean => mutedUntil > Date.now() / 1000;

/** Whether somebody wants to be bothered with it now. */
const isWanted = ({ unread, request, contact, mutedUntil }: ConversationSummary): boolean =>
  unread > 0 && request === undefined && contact?.blocked !== true && !isMuted(mutedUntil);

function textOf(
  { from, fromName, body, attachments }: Message,
  summary: ConversationSummary,
  choice: Told,
  words: NotificationWords,
): Said | undefined {
  if (!isWanted(summary)) return undefined;
  const { peer, group, unread } = summary;
  const count = words.messages(unread);
  if (choice === "nothing") return { title: words.app, body: words.messages(1) };
  const who = fromName === undefined || fromName === "" ? from : `${fromName} (${from})`;
  const title = group === undefined ? who : peer;
  if (choice === "name") return { title, body: count };
  const text = body.slice(0, mostShown) || (attachments === undefined ? count : words.file);
  return { title, body: group === undefined ? text : `${who}: ${text}` };
}
