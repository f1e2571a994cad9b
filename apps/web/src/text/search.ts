/** The words of the search, which come with it. */
import { search as de } from "./de/search.ts";
import { search as en } from "./en/search.ts";
import { featureText } from "./feature.ts";

/** The words of the search. */
export const useSearchText = featureText({ en, de });
