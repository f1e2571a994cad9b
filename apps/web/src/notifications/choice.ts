/** What the system may show of new messages, by the person's choice. Kept in this browser: no key is needed to read it. */

/** off: nothing is shown. full: who and what. name: who. nothing: that there is something. */
export type NotificationChoice = "off" | "full" | "name" | "nothing";

/** The choices, as they are offered. */
export const NOTIFICATION_CHOICES = ["off", "full", "name", "nothing"] as const;

const key = "sotto.notifications";

/** The choice; off until somebody chose, and whenever the browser does not allow it (any more). */
export function chosenNotifications(): NotificationChoice {
  if (!canNotify() || Notification.permission !== "granted") return "off";
  const chosen = localStorage.getItem(key);
  return NOTIFICATION_CHOICES.find((choice) => choice === chosen) ?? "off";
}

/** Chooses, and asks the browser when it was never asked. Returns what holds now: off when it refuses. */
export async function chooseNotifications(choice: NotificationChoice): Promise<NotificationChoice> {
  if (choice === "off") localStorage.removeItem(key);
  else if (canNotify() && (await Notification.requestPermission()) === "granted")
    localStorage.setItem(key, choice);
  return chosenNotifications();
}

/** Whether this browser can do that at all. */
export const canNotify = (): boolean => "Notification" in globalThis && "serviceWorker" in navigator;
