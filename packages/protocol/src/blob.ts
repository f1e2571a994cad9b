/**
 * How blobs are known: an id that may stand in URLs and logs, and two tokens that must not.
 * @see spec/PROTOCOL.md "Blobs"
 */
import { parseBase64Url, toBase64Url } from "./bytes.ts";
import { CodecError } from "./errors.ts";
import { LABELS, labelled } from "./labels.ts";

/** Length of a blob's id, and of each of its tokens, in bytes. */
export const BLOB_ID_BYTES = 32;
export const BLOB_TOKEN_BYTES = 32;

/** Where blobs are, on every server: `PATH/ID`. */
export const BLOB_PATH = "/v1/blobs";

/** What SHA-256 makes a blob's id of. @param readToken 32 bytes. */
export function blobIdTranscript(readToken: Uint8Array): Uint8Array<ArrayBuffer> {
  if (readToken.length !== BLOB_TOKEN_BYTES) {
    throw new CodecError("malformed", `a token of a blob must have ${BLOB_TOKEN_BYTES} bytes`);
  }
  return labelled(LABELS.blob, readToken);
}

/** A blob's id or token as it stands in a URL or header: 43 characters of base64url. */
export const formatBlobId = (id: Uint8Array): string => toBase64Url(id);

/** The 32 bytes of an id or token; undefined for any other text. */
export function parseBlobId(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = parseBase64Url(text);
  return bytes?.length === BLOB_ID_BYTES ? bytes : undefined;
}
