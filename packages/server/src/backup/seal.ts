/**
 * How a backup is encrypted: AES-256-GCM over pieces of 64 KiB under a key from a passphrase (PBKDF2-HMAC-SHA256), each nonce a counter and a
 * mark on the last piece, so that pieces can neither be changed, moved, left out nor cut off at the end (the STREAM construction, as in age).
 */
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { CryptoError, StorageError } from "@sotto/protocol";

/** What stands in the head of a file that is encrypted. */
export interface SealParameters {
  /** 16 bytes, in hexadecimal. */
  readonly salt: string;
  readonly iterations: number;
}
/** Most that a file may ask for: some seconds. */
export const MAX_ITERATIONS = 10_000_000;

const iterations = 600_000;
const pieceBytes = 65_536;
const tagBytes = 16;

/** New ones, for a new file. */
export function newSeal(): SealParameters {
  return { salt: randomBytes(16).toString("hex"), iterations };
}

/** Encrypts a stream. @param head the bytes before it, which are bound to it. */
export async function* sealed(
  plain: AsyncIterable<Uint8Array>,
  passphrase: string,
  parameters: SealParameters,
  head: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = await keyOf(passphrase, parameters);
  let number = 0;
  for await (const { piece, isLast } of pieces(plain, pieceBytes)) {
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(number++, isLast)).setAAD(head);
    yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
  }
}

/**
 * Decrypts a stream.
 * @throws CryptoError `passphrase_wrong` when the first piece does not open; StorageError `backup_damaged` when a later one does not.
 */
export async function* unsealed(
  bytes: AsyncIterable<Uint8Array>,
  passphrase: string,
  parameters: SealParameters,
  head: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = await keyOf(passphrase, parameters);
  let number = 0;
  for await (const { piece, isLast } of pieces(bytes, pieceBytes + tagBytes)) {
    if (piece.length < tagBytes) throw damaged();
    const opened = open(key, nonceOf(number, isLast), head, piece);
    if (opened === undefined && number === 0) {
      throw new CryptoError(
        "passphrase_wrong",
        "the passphrase does not open this backup, or its beginning is damaged",
      );
    }
    if (opened === undefined) throw damaged();
    number++;
    yield opened;
  }
}

function open(key: Buffer, nonce: Buffer, head: Uint8Array, piece: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(head);
  decipher.setAuthTag(piece.subarray(-tagBytes));
  const plain = decipher.update(piece.subarray(0, -tagBytes));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyOf(passphrase: string, { salt, iterations: rounds }: SealParameters): Promise<Buffer> {
  return promisify(pbkdf2)(passphrase.normalize("NFKC"), Buffer.from(salt, "hex"), rounds, 32, "sha256");
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Cuts a stream into pieces of one size; the last one may be shorter, or empty when there is nothing at all. */
async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ piece: Buffer; isLast: boolean }> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of bytes) {
    waiting = Buffer.concat([waiting, chunk]);
    // What fills a piece may be the last, so it waits for more.
    let at = 0;
    for (; waiting.length - at > size; at += size)
      yield { piece: waiting.subarray(at, at + size), isLast: false };
    waiting = waiting.subarray(at);
  }
  yield { piece: waiting, isLast: true };
}

function damaged(): StorageError {
  return new StorageError("backup_damaged", "the backup was changed or cut off");
}
