/**
 * Bytes of blobs in a folder: `ab/cdef…`, mode 0600. What is being written lies beside it under a temporary name, is synced after
 * each part and renamed when it is whole, so that a crash leaves a blob whole or unfinished, never a part under its name.
 *
 * Times of files are set to the day, like all times at rest (core/logs/day.ts); what else a file system notes is its own.
 */
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, statfs, utimes, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StorageError, parseHex, toHex } from "@sotto/protocol";
import type { BlobFiles } from "../core/blobs/files.ts";
import { endOfDaySec } from "../core/logs/day.ts";

/** Ends the name of a blob that is being written. */
export const UNFINISHED_SUFFIX = ".part";
/** Where a blob lies once it is whole. */
export const blobFile = (folder: string, id: Uint8Array): string =>
  join(folder, toHex(id.subarray(0, 1)), toHex(id.subarray(1)));

const readBytes = 65_536;
const name = /^([0-9a-f]{62})(?:\.part)?$/;

/** Makes the port over a folder, which is made when the first blob comes. */
export function folderBlobs(folder: string, nowMs: () => number): BlobFiles {
  const pathOf = (id: Uint8Array): string => blobFile(folder, id);
  const unfinished = (id: Uint8Array): string => pathOf(id) + UNFINISHED_SUFFIX;
  return {
    write: (id, offset, body) =>
      attempt(async () => {
        const path = unfinished(id);
        await makeFolder(folder, dirname(path));
        const file = await openForWriting(path);
        try {
          if ((await file.stat()).size < offset) return undefined;
          const written = await writeAll(file, offset, body);
          await file.sync();
          return written;
        } finally {
          await file.close();
        }
      }),
    finish: (id) =>
      attempt(async () => {
        const day = endOfDaySec(nowMs());
        if (await ifThere(() => utimes(unfinished(id), day, day).then(() => true))) {
          await ifThere(() => rename(unfinished(id), pathOf(id)));
          await syncFolder(dirname(pathOf(id)));
        }
      }),
    read: (id, from, to) =>
      attempt(async () => {
        const file = await ifThere(() => open(pathOf(id), "r"));
        if (file === undefined) return undefined;
        const { size } = await file.stat();
        if (size >= to && from < to) {
          return createReadStream("", { fd: file, start: from, end: to - 1, highWaterMark: readBytes });
        }
        await file.close();
        return size < to ? undefined : nothing();
      }),
    remove: (id) =>
      attempt(async () => {
        await rm(unfinished(id), { force: true });
        await rm(pathOf(id), { force: true });
      }),
    list: (firstByte) =>
      attempt(async () => {
        const prefix = toHex(Uint8Array.of(firstByte));
        const names = (await ifThere(() => readdir(join(folder, prefix)))) ?? [];
        const ids = new Set(names.flatMap((found) => name.exec(found)?.[1] ?? []));
        return [...ids].map((rest) => parseHex(prefix + rest) as Uint8Array);
      }),
    freeBytes: () =>
      attempt(async () => {
        await makeFolder(folder, folder);
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      }),
  };
}

async function writeAll(file: FileHandle, offset: number, body: AsyncIterable<Uint8Array>): Promise<number> {
  let at = offset;
  for await (const bytes of body) {
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, from, bytes.length - from, at);
      from += bytesWritten;
      at += bytesWritten;
    }
  }
  return at - offset;
}

/** Without cutting what is there: it is being gone on with. */
async function openForWriting(path: string): Promise<FileHandle> {
  const file = await ifThere(() => open(path, "r+"));
  if (file !== undefined) return file;
  const made = await open(path, "wx", 0o600);
  await syncFolder(dirname(path));
  return made;
}

async function makeFolder(folder: string, path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  await syncFolder(dirname(folder));
  if (path !== folder) await syncFolder(folder);
}

/** Makes the names in a folder durable. Windows cannot and need not. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new StorageError("unavailable", "the storage of blobs failed", { cause });
  }
}
