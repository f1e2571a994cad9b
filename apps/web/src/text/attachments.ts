/** The words of files in messages, which come with them. */
import { attachments as de } from "./de/attachments.ts";
import { attachments as en } from "./en/attachments.ts";
import { featureText } from "./feature.ts";

/** The words of files. */
export const useAttachmentText = featureText({ en, de });
