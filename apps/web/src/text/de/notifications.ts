import type { Translated } from "../index.tsx";
import type { notifications as en } from "../en/notifications.ts";

export const notifications: Translated<typeof en> = {
  app: "Sotto",
  messages: (n) => (n === 1 ? "Neue Nachricht" : `${n} neue Nachrichten`),
  joins: "Jemand bittet um Aufnahme",
  waiting: "Neue Nachrichten",
  file: "Eine Datei",
};
