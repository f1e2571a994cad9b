/** The words of the settings, which come with them. */
import { settings as de } from "./de/settings.ts";
import { settings as en } from "./en/settings.ts";
import { featureText } from "./feature.ts";

/** The words of the settings. */
export const useSettingsText = featureText({ en, de });
