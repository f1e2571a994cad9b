/** A click on a notification: the tab that showed it comes to the front and opens the conversation; without one the app is opened. */
import type { ServiceWorkerScope, WindowClient } from "./worker-types.ts";

const answerMs = 500;

/** Carries it out. What the notification is about only its tab knows: see notifications/notifier.ts. */
export async function openClicked(scope: ServiceWorkerScope, notification: Notification): Promise<void> {
  notification.close();
  const { id } = (notification.data ?? {}) as { readonly id?: string };
  const tabs = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const [any] = tabs;
  if (any === undefined) {
    await scope.clients.openWindow("/");
    return;
  }
  const known = id === undefined ? [] : await Promise.all(tabs.map((tab) => opens(tab, id)));
  await (tabs[known.indexOf(true)] ?? any).focus();
}

/** Whether a tab knows what that is about, and has opened it. */
function opens(tab: WindowClient, id: string): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    setTimeout(resolve, answerMs, false);
    port1.addEventListener("message", () => resolve(true));
    port1.start();
    tab.postMessage({ type: "open", id }, [port2]);
  });
}
