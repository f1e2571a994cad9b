/**
 * Being woken while no tab is open: the browser subscribes to its push service, and the server is told where that is. What comes that way
 * is empty; the service worker shows that there is something (offline/pushes.ts).
 */
import type { EngineCalls } from "../page/engine-client.ts";
import { canNotify, chosenNotifications } from "./choice.ts";

const key = "sotto.push";

/** Why it could not be. */
export type PushProblem =
  /** The server wakes nobody, or is not connected. */
  | "server"
  /** The browser has no push service, or cannot reach it. */
  | "browser";

/** Whether this browser knows push at all. */
export const canPush = (): boolean => canNotify() && "PushManager" in globalThis;

/** Whether the person wants it. */
export const wantsPush = (): boolean => localStorage.getItem(key) === "on" && chosenNotifications() !== "off";

/** Begins it, or makes sure that it goes on: keys and addresses may have changed. Returns what kept it from that. */
export async function keepPush(calls: EngineCalls): Promise<PushProblem | undefined> {
  const serverKey = await calls.pushKey();
  if (serverKey === undefined) return "server";
  let subscription: PushSubscription;
  try {
    subscription = await subscribed(serverKey);
  } catch {
    return "browser";
  }
  const [p256dh, auth] = [subscription.getKey("p256dh"), subscription.getKey("auth")];
  if (p256dh === null || auth === null) return "browser";
  const { endpoint } = subscription;
  await calls.setPush({ endpoint, p256dh: new Uint8Array(p256dh), auth: new Uint8Array(auth) });
  localStorage.setItem(key, "on");
  return undefined;
}

/** Ends it, at the browser and at the server. */
export async function endPush(calls: EngineCalls): Promise<void> {
  localStorage.removeItem(key);
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  await calls.setPush(undefined);
}

async function subscribed(serverKey: Uint8Array): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  const tiedTo = before?.options.applicationServerKey;
  if (before !== null && tiedTo && equal(new Uint8Array(tiedTo), serverKey)) return before;
  // It was for another server's key.
  await before?.unsubscribe();
  return pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: serverKey as Uint8Array<ArrayBuffer>,
  });
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
