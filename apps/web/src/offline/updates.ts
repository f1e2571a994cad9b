/**
 * New versions of the app: found by the browser, fetched beside the old one, and let in by the person only. Then all tabs are loaded anew
 * together, none of them in the middle of anything.
 */
import { idle, whenAllIdle } from "../page/busy.ts";
import { registerServiceWorker } from "../page/trusted.ts";

/** How things stand. */
export type UpdateState =
  | "none"
  /** Another version is there, and waits. */
  | "ready"
  /** Somewhere something has to be finished first. */
  | "waiting"
  /** It could not be: it is asked again later. */
  | "busy";

const mostWaitMs = 20_000;
const mostOwnWaitMs = 10_000;
const draftKeptAfterMs = 700;
const lookEveryMs = 3_600_000;

const listeners = new Set<() => void>();
let state: UpdateState = "none";
let ready: ServiceWorker | undefined;
let watching = false;

function become(next: UpdateState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** The state, and what tells of changes. */
export const updates = {
  state: (): UpdateState => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Another tab was loaded with another version: so is this one, when it is asked. */
  outdated(): void {
    if (state === "none") become("ready");
  },
};

/** Lets the new version in, in all tabs. */
export async function applyUpdate(): Promise<void> {
  if (state === "waiting") return;
  const worker = ready;
  become("waiting");
  const done = await whenAllIdle(mostWaitMs, async () => {
    // All tabs hear `controllerchange`, this one as well.
    worker?.postMessage({ type: "apply" });
  });
  if (!done) return become("busy");
  if (worker === undefined) await loadAnew();
}

/** Begins to keep the app, and to look for new versions. Without service workers (a private window, for one) nothing happens. */
export async function watchUpdates(): Promise<void> {
  if (watching || !("serviceWorker" in navigator)) return;
  watching = true;
  const { serviceWorker } = navigator;
  let controlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    // The first one is of the same version as this page.
    if (controlled) void loadAnew();
    controlled = true;
  });
  let registration: ServiceWorkerRegistration;
  try {
    registration = await registerServiceWorker();
  } catch {
    // Offline, or switched off in the browser: the app runs without it.
    watching = false;
    return;
  }
  const look = (): void => {
    registration.update().catch(() => undefined);
  };
  noteWaiting(registration);
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", () => noteWaiting(registration));
  });
  setInterval(look, lookEveryMs);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  lookForUpdate = look;
}

/** Looks now: a server that comes back may have brought another version. */
export let lookForUpdate = (): void => {};

function noteWaiting({ waiting }: ServiceWorkerRegistration): void {
  if (waiting === null || waiting === ready || navigator.serviceWorker.controller === null) return;
  ready = waiting;
  if (state !== "waiting") become("ready");
}

async function loadAnew(): Promise<void> {
  become("waiting");
  // What was typed just now is kept as a draft first: conversation/use-draft.ts.
  await new Promise((later) => setTimeout(later, draftKeptAfterMs));
  await idle(mostOwnWaitMs);
  location.reload();
}
