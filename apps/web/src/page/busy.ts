/**
 * What must not be broken off in the middle: a message that is being taken in, an account that is being made. Every tab that is busy holds
 * a shared lock, so that all tabs know whether any is; a new version waits for that (offline/updates.ts).
 */

/** Held while a tab is in the middle of something. */
const BUSY_LOCK = "sotto/busy";

/** Calls that only read, or only wait: leaving them does no harm. */
const harmless = new Set(
  (
    "message receipts history conversations conversation blocked profile contacts contact safetyNumber groups groupMembers doctor " +
    "devices linkRequest recoveryKey settings flushed sendTyping fetchServerFacts caughtUp resetPending passkeys " +
    "attachmentThumbnail transfers largestAttachment cancelFetch"
  ).split(" "),
);

const underWay = new Set<Promise<unknown>>();

/** Notes a call that is under way. */
export function noteCall(method: string, answer: Promise<unknown>): void {
  if (harmless.has(method)) return;
  const ended = answer.then(
    () => undefined,
    () => undefined,
  );
  underWay.add(ended);
  void ended.then(() => underWay.delete(ended));
  // Not waited for: whoever looks at the lock, and finds it free, still waits for `idle` in each tab.
  void navigator.locks.request(BUSY_LOCK, { mode: "shared" }, () => ended);
}

/** Resolves when nothing is in the middle in this tab, or after so many milliseconds. */
export async function idle(mostMs: number): Promise<void> {
  const end = new Promise((resolve) => setTimeout(resolve, mostMs, "end"));
  while (underWay.size > 0) if ((await Promise.race([Promise.all(underWay), end])) === "end") return;
}

/** Runs work while no tab is in the middle of anything; false when that took too long, and it did not. */
export async function whenAllIdle(mostMs: number, work: () => Promise<void>): Promise<boolean> {
  try {
    await navigator.locks.request(BUSY_LOCK, { signal: AbortSignal.timeout(mostMs) }, work);
    return true;
  } catch {
    return false;
  }
}
