/**
 * Locks the app when nobody used any of its tabs for a while. Each tab notes when it was used; whichever notices first that the time has
 * passed locks for all. A computer that slept is noticed as it wakes.
 */
import type { EngineClient } from "../page/engine-client.ts";

const minutesKey = "sotto.lock-after-min";
const usedKey = "sotto.used-at-ms";
const noteEveryMs = 5_000;
const lookEveryMs = 2_000;

/** Minutes without use; 0: never. */
export function lockAfterMin(): number {
  const minutes = Number(localStorage.getItem(minutesKey));
  return Number.isFinite(minutes) && minutes > 0 ? minutes : 0;
}

/** Changes it, in every tab. */
export function setLockAfterMin(minutes: number): void {
  if (minutes > 0) localStorage.setItem(minutesKey, String(minutes));
  else localStorage.removeItem(minutesKey);
}

/** Watches as long as the app is open. Returns what ends it. */
export function watchIdle(engine: EngineClient): () => void {
  let notedAtMs = 0;
  const used = (): void => {
    const now = Date.now();
    if (now - notedAtMs < noteEveryMs) return;
    notedAtMs = now;
    localStorage.setItem(usedKey, String(now));
  };
  const look = (): void => {
    const minutes = lockAfterMin();
    if (minutes === 0 || engine.state.phase !== "open") return;
    const usedAtMs = Number(localStorage.getItem(usedKey));
    if (Date.now() - usedAtMs >= minutes * 60_000) void engine.calls.lock();
  };
  // Opened just now: that is use.
  used();
  const looking = setInterval(look, lookEveryMs);
  const uses = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
  for (const use of uses) addEventListener(use, used, { passive: true });
  // Whoever comes back after the time finds it locked, whatever the timers did meanwhile.
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(looking);
    for (const use of uses) removeEventListener(use, used);
    document.removeEventListener("visibilitychange", look);
  };
}
