/** The words of voice messages, which come with them. */
import { voice as de } from "./de/voice.ts";
import { voice as en } from "./en/voice.ts";
import { featureText } from "./feature.ts";

/** The words of voice messages. */
export const useVoiceText = featureText({ en, de });
