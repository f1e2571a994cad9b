/** Reading and writing a backup file piece by piece: chunks of sealed bytes outside, items inside. */
import {
  BACKUP_CHUNK_BYTES,
  BACKUP_HEADER_BYTES,
  SEALED_BACKUP_CHUNK_BYTES,
  openBackup,
  sealBackup,
} from "@sotto/crypto";
import { StorageError, type BackupAccount, type BackupItem } from "@sotto/protocol";
import type { FileSink, FileSource } from "../../attachment-api.ts";
import type { Env } from "../env.ts";
import { itemReader, packItem } from "./items.ts";

/** Writes items. */
export interface BackupWriter {
  add(item: Parameters<typeof packItem>[0]): Promise<void>;
  /** Writes the last chunk. The sink stays open. */
  finish(): Promise<void>;
}

/** Begins a file under a passphrase. @throws UsageError `usage`, and what the sink throws. */
export async function backupWriter(
  env: Env,
  passphrase: string,
  sink: Pick<FileSink, "write">,
): Promise<BackupWriter> {
  const sealer = await sealBackup(env.crypto, passphrase);
  await sink.write(sealer.header);
  const chunk = new Uint8Array(BACKUP_CHUNK_BYTES);
  let filled = 0;
  return {
    async add(item) {
      const bytes = packItem(item);
      for (let at = 0; at < bytes.length;) {
        // A full chunk waits until there is more: it may be the last.
        if (filled === BACKUP_CHUNK_BYTES) {
          await sink.write(await sealer.seal(chunk, false));
          filled = 0;
        }
        const part = bytes.subarray(at, at + BACKUP_CHUNK_BYTES - filled);
        chunk.set(part, filled);
        filled += part.length;
        at += part.length;
      }
    },
    async finish() {
      await sink.write(await sealer.seal(chunk.slice(0, filled), true));
      chunk.fill(0);
    },
  };
}

/**
 * The items of a file, in order; when the last has been given, all of the file was as it was written. Nobody may keep anything before that.
 * @throws StorageError `passphrase_wrong`, `backup_damaged`, `backup_foreign`; what the source throws.
 */
export async function* readBackup(
  env: Env,
  file: FileSource,
  passphrase: string,
): AsyncGenerator<BackupItem> {
  const sealedBytes = file.size - BACKUP_HEADER_BYTES;
  if (sealedBytes <= 0) throw new StorageError("backup_damaged", "that is no backup: it is too short");
  const opener = await openBackup(env.crypto, await file.read(0, BACKUP_HEADER_BYTES), passphrase);
  const reader = itemReader();
  for (let at = 0; at < sealedBytes; at += SEALED_BACKUP_CHUNK_BYTES) {
    const length = Math.min(SEALED_BACKUP_CHUNK_BYTES, sealedBytes - at);
    const sealed = await file.read(BACKUP_HEADER_BYTES + at, length);
    const isLast = at + length === sealedBytes;
    yield* reader.push(await opener.open(sealed, isLast));
  }
  reader.end();
}

/** What a backup says of itself, once all of it was found to be whole. */
export interface CheckedBackup {
  readonly account: BackupAccount;
  readonly messages: number;
}

/** Reads a file to its end, and keeps nothing but whose it is. @throws as readBackup(). */
export async function checkBackup(env: Env, file: FileSource, passphrase: string): Promise<CheckedBackup> {
  let account: BackupAccount | undefined;
  let messages = 0;
  for await (const { item } of readBackup(env, file, passphrase)) {
    if (item.case === "account") account = item.value;
    if (item.case === "end") messages = Number(item.value.messages);
  }
  if (account === undefined) throw new StorageError("backup_damaged", "the backup names no account");
  return { account, messages };
}
