/**
 * A wake-up while no tab is connected. The vault is locked then, and nothing of what came is known here but that it came: so that is what
 * is shown, in the browser's language. It goes away as soon as the app is opened (notifications/notifier.ts).
 */
import { notifications as de } from "../text/de/notifications.ts";
import { notifications as en } from "../text/en/notifications.ts";
import type { ServiceWorkerScope } from "./worker-types.ts";

/** Carries it out. */
export async function showThatSomethingCame(scope: ServiceWorkerScope): Promise<void> {
  const tabs = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  // Somebody who looks at the app sees it there. Browsers want to see a notification only where nobody does.
  if (tabs.some(({ visibilityState, focused }) => visibilityState === "visible" && focused)) return;
  const words = navigator.language.startsWith("de") ? de : en;
  await scope.registration.showNotification(words.app, {
    body: words.waiting,
    tag: "sotto/push",
    icon: "/icon-192.png",
    badge: "/icon-192.png",
  });
  const { setAppBadge } = navigator as { setAppBadge?: () => Promise<void> };
  await setAppBadge?.call(navigator).catch(() => undefined);
}
