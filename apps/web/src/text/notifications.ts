/** What notifications say, which comes with them. */
import { notifications as de } from "./de/notifications.ts";
import { notifications as en } from "./en/notifications.ts";
import { featureText } from "./feature.ts";
import type { Translated } from "./index.tsx";

/** The words of notifications. */
export type NotificationWords = Translated<typeof en>;
/** The words of notifications. */
export const useNotificationWords = featureText({ en, de });
