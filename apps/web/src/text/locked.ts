/** The words beside the passphrase on the lock. */
import { locked as de } from "./de/locked.ts";
import { locked as en } from "./en/locked.ts";
import { featureText } from "./feature.ts";

/** The words beside the passphrase on the lock. */
export const useLockedText = featureText({ en, de });
