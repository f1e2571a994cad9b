/** The words of links of groups, which come with them. */
import { joins as de } from "./de/joins.ts";
import { joins as en } from "./en/joins.ts";
import { featureText } from "./feature.ts";

/** The words of links of groups. */
export const useJoinsText = featureText({ en, de });
