/** The padding of what MLS encrypts: zeros up to a length by Padmé (RFC 9420 §6.3.1). */
import type { PaddingConfig } from "ts-mls/paddingConfig.js";
import { padmeLength } from "../padme.ts";

/** The padding of content that is so long when it is encoded. */
export function padme(encodedLength: number): PaddingConfig {
  return { kind: "padUntilLength", padUntilLength: padmeLength(encodedLength) };
}
