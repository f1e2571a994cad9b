/**
 * Browsers delete what sites stored when room gets scarce, unless they were asked not to. Some decide that by themselves, some ask the
 * person: so it is asked for once there is an account to lose.
 */

let asked = false;

/** Asks the browser to keep what is stored here, once in the life of a page. */
export function askToKeepStorage(): void {
  if (asked || !("storage" in navigator)) return;
  asked = true;
  navigator.storage.persist().catch(() => undefined);
}
