/**
 * What must not be broken off in the middle: a message that is being taken in, an account that is being made. Every tab that is busy holds
 * a shared lock, so that all tabs know whether any is; a new version waits for that (offline/updates.ts).
 */

/** Held while a tab is in the middle of something. */
const BUSY_LOCK = "sotto/busy";

/** Calls that only read, or only wait: leaving them does no harm. */
const harmless = new Set(
  (
    "message receipts history conversations conversation blocked profile contacts contact safetyNumber groups groupMembers groupPicture doctor " +
    "devices linkRequest recoveryKey settings flushed sendTyping fetchServerFacts caughtUp resetPending passkeys pushKey " +
    "attachmentThumbnail transfers largestAttachment fetchFile cancelFetch"
  ).split(" "),
);

/** Calls whose loss would be noticed: the browser asks before it leaves the page. */
const precious = new Set(
  "send sendAgain edit register recover reset approveLink changePassphrase createGroup".split(" "),
);

const underWay = new Set<Promise<unknown>>();
let preciousUnderWay = 0;

const ask = (event: Event): void => event.preventDefault();

/** Pages that listen to that are slower to leave and to come back to, so that they do only while there is a reason. */
function notePrecious(change: 1 | -1): void {
  preciousUnderWay += change;
  if (preciousUnderWay > 0) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}

/** Notes a call that is under way. */
export function noteCall(method: string, answer: Promise<unknown>): void {
  if (!harmless.has(method)) note(answer, precious.has(method));
}

/** Notes work whose loss would be noticed, until it has ended. */
export function noteWork(ended: Promise<unknown>): void {
  note(ended, true);
}

function note(work: Promise<unknown>, isPrecious: boolean): void {
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  underWay.add(ended);
  void ended.then(() => underWay.delete(ended));
  if (isPrecious) {
    notePrecious(1);
    void ended.then(() => notePrecious(-1));
  }
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
