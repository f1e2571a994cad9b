/** How many messages wait, in the tab's title and on the app's icon. */
import type { ConversationSummary } from "@sotto/client/web";
import type { Conversations } from "../store/conversations.ts";

/** What is read at once does not flash up. */
const settleMs = 600;

interface Badges {
  setAppBadge?(count: number): Promise<void>;
  clearAppBadge?(): Promise<void>;
}

/** Messages that wait for a person; what is muted, or only a request, does not bother. */
function waiting(all: readonly ConversationSummary[], nowSec: number): number {
  return all
    .filter(({ mutedUntil, request }) => mutedUntil <= nowSec && request === undefined)
    .reduce((sum, { unread }) => sum + unread, 0);
}

/** Shows the count until `signal` ends it. */
export function showCounts(conversations: Conversations, signal: AbortSignal): void {
  // A wake-up may have left a mark on the icon.
  let shown: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = (count: number): void => {
    if (count === shown) return;
    shown = count;
    document.title = count === 0 ? "Sotto" : `(${count}) Sotto`;
    const badges = navigator as Badges;
    const done = count === 0 ? badges.clearAppBadge?.() : badges.setAppBadge?.(count);
    // Not every system has a place for it.
    done?.catch(() => undefined);
  };
  const look = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => show(waiting(conversations.all ?? [], Date.now() / 1000)), settleMs);
  };
  look();
  const end = conversations.subscribe(look);
  signal.addEventListener("abort", () => {
    end();
    clearTimeout(timer);
    show(0);
  });
}
