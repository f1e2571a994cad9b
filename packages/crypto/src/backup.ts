/**
 * A backup file: a header that a passphrase opens (passphrase-header.ts, with the magic "SOTTOBAK"), then chunks of 65,536 bytes, each
 * AES-256-GCM with its place and whether it is the last as nonce (the STREAM construction, as attachments have it), under the file's own
 * random key. Written and read piece by piece; no chunk opens that was altered, moved, cut off or added.
 * @see spec/PROTOCOL.md "Backup files"
 */
import { LABELS, StorageError, UsageError, utf8 } from "@sotto/protocol";
import {
  PASSPHRASE_HEADER_BYTES,
  openPassphraseHeader,
  sealPassphraseHeader,
  type HeaderKind,
} from "./passphrase-header.ts";
import type { CryptoProvider } from "./provider.ts";

/** Bytes of the content that one chunk holds; the last holds 0 to so many. */
export const BACKUP_CHUNK_BYTES = 65_536;
/** Bytes of a chunk as it is sealed. */
export const SEALED_BACKUP_CHUNK_BYTES = BACKUP_CHUNK_BYTES + 16;
/** Bytes before the first chunk. */
export const BACKUP_HEADER_BYTES = PASSPHRASE_HEADER_BYTES;

const backupHeader: HeaderKind = {
  magic: "SOTTOBAK",
  label: LABELS.backupWrap,
  what: "the backup",
  damaged: "backup_damaged",
  foreign: "backup_foreign",
};
const keyBytes = 32;
const tagBytes = 16;
const counterBytes = 11;
const aad = utf8(LABELS.backupChunk);

/** Seals chunks in order. */
export interface BackupSealer {
  /** What the file begins with, 122 bytes. */
  readonly header: Uint8Array;
  /** @param content BACKUP_CHUNK_BYTES of them, but in the last chunk 0 to so many. @throws UsageError `usage` for another length, or after the last. */
  seal(content: Uint8Array, last: boolean): Promise<Uint8Array>;
}

/** Opens chunks in order. */
export interface BackupOpener {
  /** @throws StorageError `backup_damaged` for anything that was not sealed at this place. */
  open(sealed: Uint8Array, last: boolean): Promise<Uint8Array>;
}

/** Begins a backup under a passphrase. @throws UsageError `usage` for an empty one. */
export async function sealBackup(provider: CryptoProvider, passphrase: string): Promise<BackupSealer> {
  const key = provider.randomBytes(keyBytes);
  const header = await sealPassphraseHeader(provider, backupHeader, key, passphrase);
  let next = 0;
  let ended = false;
  return {
    header,
    async seal(content, last) {
      const fits = last ? content.length <= BACKUP_CHUNK_BYTES : content.length === BACKUP_CHUNK_BYTES;
      if (ended || !fits) throw new UsageError("usage", "no such chunk of that length");
      ended = last;
      return provider.aesGcmSeal(key, nonceOf(next++, last), content, aad);
    },
  };
}

/**
 * Begins to read a backup. @param header its first 122 bytes.
 * @throws StorageError `passphrase_wrong`, `backup_foreign`, `backup_damaged`.
 */
export async function openBackup(
  provider: CryptoProvider,
  header: Uint8Array,
  passphrase: string,
): Promise<BackupOpener> {
  const key = await openPassphraseHeader(provider, backupHeader, header, passphrase);
  let next = 0;
  let ended = false;
  return {
    async open(sealed, last) {
      const length = sealed.length - tagBytes;
      const fits = last ? length >= 0 && length <= BACKUP_CHUNK_BYTES : length === BACKUP_CHUNK_BYTES;
      if (ended || !fits) throw damaged();
      ended = last;
      try {
        return await provider.aesGcmOpen(key, nonceOf(next++, last), sealed, aad);
      } catch (cause) {
        throw damaged(cause);
      }
    },
  };
}

/** The chunk's place in 11 bytes, and whether it is the last in one. */
function nonceOf(index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(counterBytes + 1);
  new DataView(nonce.buffer).setBigUint64(counterBytes - 8, BigInt(index));
  nonce[counterBytes] = last ? 1 : 0;
  return nonce;
}

function damaged(cause?: unknown): StorageError {
  return new StorageError("backup_damaged", "the backup was altered, or is not whole", { cause });
}
