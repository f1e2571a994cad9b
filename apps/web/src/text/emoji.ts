/** The words of the emoji picker, which come with it. */
import { emoji as de } from "./de/emoji.ts";
import { emoji as en } from "./en/emoji.ts";
import { featureText } from "./feature.ts";

/** The words of the emoji picker. */
export const useEmojiText = featureText({ en, de });
