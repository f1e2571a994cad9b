/** What reaches a blob: made so that every device of the account can delete what any of them sent, and none keeps a list. */
import { BLOB_TOKEN_BYTES, LABELS, blobIdTranscript, utf8 } from "@sotto/protocol";
import type { CryptoProvider } from "@sotto/crypto";
import type { OwnAccount } from "../records.ts";

/** The id of a blob, 32 bytes. */
export const blobIdOf = async (crypto: CryptoProvider, readToken: Uint8Array): Promise<Uint8Array> =>
  crypto.sha256(blobIdTranscript(readToken));

/** What lets this account's devices go on with an upload, and delete it: 32 bytes. */
export async function writeTokenOf(
  crypto: CryptoProvider,
  own: Pick<OwnAccount, "backupKey">,
  readToken: Uint8Array,
): Promise<Uint8Array> {
  const none = new Uint8Array();
  const key = await crypto.hkdfSha256(own.backupKey, none, utf8(LABELS.blobOwner), BLOB_TOKEN_BYTES);
  return crypto.hmacSha256(key, readToken);
}
