/** The words of the camera and of what it compares, which come with it. */
import { trust as de } from "./de/trust.ts";
import { trust as en } from "./en/trust.ts";
import { featureText } from "./feature.ts";

/** The words of scanning and comparing. */
export const useTrustText = featureText({ en, de });
