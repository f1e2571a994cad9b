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
import { chosenNotifications } from "./choice.ts";
import { anyLookedAt, tellLookedAt } from "./looked-at.ts";

/** What a notification carries for the service worker. */
interface NotificationData {
  /** Random; the page knows which conversation it means. */
  readonly id: string;
}

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

  const show = async (key: string, message: Message): Promise<void> => {
    if (chosenNotifications() === "off" || (await anyLookedAt())) return;
    await new Promise((later) => setTimeout(later, settleMs));
    if (signal.aborted || engine.state.phase !== "open" || (await anyLookedAt())) return;
    const summary = await engine.calls.conversation(key);
    const choice = chosenNotifications();
    if (summary === undefined || choice === "off" || !isWanted(summary)) return;
    const registration = await navigator.serviceWorker.ready;
    const { title, body } = textOf(summary, message, choice, words());
    const data: NotificationData = { id: idOf(key) };
    // Newer than what TypeScript knows: a second message of a conversation is heard as well.
    const options = { body, tag: data.id, renotify: true, icon, badge: icon, data };
    await registration.showNotification(title, options);
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
      if (!leads || event.type !== "client" || event.event.type !== "message") return;
      const { message } = event.event;
      if (message.direction !== "in" || message.kind === "timer" || message.deleted === true) return;
      show(message.groupId ?? message.conversation, message).catch(() => undefined);
    }),
    conversations.subscribe(() => {
      const read = (conversations.all ?? []).filter(
        (summary) => summary.unread === 0 && ids.has(keyOf(summary)),
      );
      if (leads && read.length > 0) {
        const gone = new Set(read.map((summary) => ids.get(keyOf(summary))));
        for (const summary of read) ids.delete(keyOf(summary));
        void close((id) => gone.has(id));
      }
    }),
  ];
  navigator.serviceWorker?.addEventListener(
    "message",
    ({ data, ports }: MessageEvent<{ readonly type?: string; readonly id?: string }>) => {
      const key = [...ids].find(([, id]) => id === data.id)?.[0];
      if (data.type !== "open" || key === undefined) return;
      go({ screen: "conversation", key });
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

/** Whether somebody wants to be bothered with it now. */
function isWanted({ unread, request, contact, mutedUntil }: ConversationSummary): boolean {
  const muted = mutedUntil > Date.now() / 1000;
  return unread > 0 && request === undefined && contact?.blocked !== true && !muted;
}

function textOf(
  { peer, group, unread }: ConversationSummary,
  { from, fromName, body, attachments }: Message,
  choice: "full" | "name" | "nothing",
  words: NotificationWords,
): { readonly title: string; readonly body: string } {
  const count = words.messages(unread);
  if (choice === "nothing") return { title: words.app, body: words.messages(1) };
  const who = fromName === undefined || fromName === "" ? from : `${fromName} (${from})`;
  const title = group === undefined ? who : peer;
  if (choice === "name") return { title, body: count };
  const text = body.slice(0, mostShown) || (attachments === undefined ? count : words.file);
  return { title, body: group === undefined ? text : `${who}: ${text}` };
}
