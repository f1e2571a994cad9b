/** The words of the first steps, which come with them. */
import { firstRun as de } from "./de/first-run.ts";
import { firstRun as en } from "./en/first-run.ts";
import { featureText } from "./feature.ts";

/** The words of the first steps. */
export const useFirstRunText = featureText({ en, de });
