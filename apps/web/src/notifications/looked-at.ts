/** Whether anybody looks at any tab of the app: each that is seen holds a shared lock. */

const name = "sotto/looked-at";

/** Whether somebody looks at this tab. */
const isLookedAt = (): boolean => document.visibilityState === "visible" && document.hasFocus();

/** Whether somebody looks at any tab. */
export async function anyLookedAt(): Promise<boolean> {
  if (isLookedAt()) return true;
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === name);
}

/** Tells other tabs whether this one is looked at, and `changed` when it is. Ends with `signal`. */
export function tellLookedAt(signal: AbortSignal, changed: () => void): void {
  let release: (() => void) | undefined;
  const look = (): void => {
    const looked = isLookedAt() && !signal.aborted;
    if (looked === (release !== undefined)) return;
    if (looked) {
      const over = new Promise<void>((resolve) => (release = resolve));
      void navigator.locks.request(name, { mode: "shared" }, () => over);
      changed();
    } else {
      release?.();
      release = undefined;
    }
  };
  look();
  const options = { signal };
  addEventListener("focus", look, options);
  addEventListener("blur", look, options);
  document.addEventListener("visibilitychange", look, options);
  signal.addEventListener("abort", look);
}
