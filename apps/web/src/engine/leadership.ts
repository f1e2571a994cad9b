/**
 * Which of the tabs leads: the one that holds a Web Lock. The browser hands the lock on when its tab closes or crashes. A tab that is
 * frozen or hangs keeps it, and gives no sign of life: then the lock is stolen. Who was robbed learns of it when it thaws; what it still
 * writes until then is refused by the vault's lease (adapters/web/database.ts of the client).
 */

const beatMs = 400;
const silentMs = 1_500;
const watchMs = 200;

/** What a tab does with leadership. */
export interface Leading {
  /** Begins to lead. `ended` fires when it is over: everything must be let go. Resolves when all is let go. */
  lead(ended: AbortSignal): Promise<void>;
  /** Gives a sign of life to the other tabs. */
  beat(): void;
}

/** A tab's part in the race. */
export interface Candidate {
  /** A sign of life of another tab that leads. */
  heard(): void;
  /** Gives leadership up, or the race: the tab closes. */
  leave(): void;
}

/** Enters the race for leadership of that name. */
export function runForLeadership(name: string, leading: Leading): Candidate {
  const left = new AbortController();
  let heardAtMs = performance.now();
  let leads = false;
  let waiting = new AbortController();

  const contend = async (steal: boolean): Promise<void> => {
    waiting.abort();
    waiting = new AbortController();
    const { signal } = waiting;
    const ended = new AbortController();
    try {
      // A request that steals cannot be taken back, and need not: it is granted at once.
      await navigator.locks.request(name, steal ? { steal } : { signal }, async () => {
        if (left.signal.aborted) return;
        leads = true;
        const beating = setInterval(() => leading.beat(), beatMs);
        left.signal.addEventListener("abort", () => ended.abort());
        try {
          await leading.lead(ended.signal);
        } finally {
          clearInterval(beating);
        }
      });
    } catch {
      // Robbed, or its waiting was ended by another try of its own.
    }
    ended.abort();
    if (!leads || left.signal.aborted) return;
    leads = false;
    heardAtMs = performance.now();
    void contend(false);
  };

  let watchedAtMs = performance.now();
  const watching = setInterval(() => {
    const now = performance.now();
    // This tab itself was frozen, or busy: signs of life may wait to be heard.
    if (now - watchedAtMs > 2 * watchMs) heardAtMs = Math.max(heardAtMs, now - silentMs / 2);
    watchedAtMs = now;
    if (leads || now - heardAtMs < silentMs) return;
    heardAtMs = now;
    void contend(true);
  }, watchMs);

  void contend(false);
  return {
    heard() {
      heardAtMs = performance.now();
    },
    leave() {
      clearInterval(watching);
      left.abort();
      waiting.abort();
    },
  };
}
