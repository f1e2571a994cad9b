/** Under what it is remembered that an id was used: of 128 random bits, so that the hash tells nobody which id it was. */
import { createHash } from "node:crypto";

/** SHA-256 of an id, 32 bytes. */
export const retiredHash = (id: Uint8Array): Uint8Array => createHash("sha256").update(id).digest();
