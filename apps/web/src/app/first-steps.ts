/**
 * Whether first steps are still on the screen though the account is there: the recovery key to keep, above all. That much survives a
 * reload; the key itself does not, it stays in the vault.
 */

const key = "sotto.first-steps";
const listeners = new Set<() => void>();
let onScreen = false;
// As it was when the page was loaded: what another tab's first steps leave to do is that tab's.
let toKeep = (localStorage.getItem(key) as KeyToKeep | null) ?? undefined;

/** What is left to do: the key has to be kept; it was put off; nothing. */
export type KeyToKeep = "now" | "later" | undefined;

/** First steps that outlast the making of the account. */
export const firstSteps = {
  /** Whether they take the place of the conversations. */
  onScreen: (): boolean => onScreen || firstSteps.keyToKeep() === "now",
  /** Whether the recovery key was kept. */
  keyToKeep: (): KeyToKeep => toKeep,
  show(shown: boolean): void {
    onScreen = shown;
    changed();
  },
  setKeyToKeep(next: KeyToKeep): void {
    toKeep = next;
    if (next === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, next);
    changed();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function changed(): void {
  for (const listener of listeners) listener();
}
