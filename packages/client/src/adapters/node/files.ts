/** Files on a disk as the SDK takes and gives them. */
import { randomBytes } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { StorageError, UsageError } from "@sotto/protocol";
import type { FileSink, FileSource } from "../../attachment-api.ts";
import { numberedName, safeFileName } from "../../core/attachments/file-name.ts";

const mostOfOneName = 10_000;

/**
 * A file to send. It is opened for each read, so nothing is to be closed; one that was changed meanwhile rejects with `file_changed`.
 * @throws UsageError `file_changed` when it cannot be read, or is no file.
 */
export async function fileSource(path: string): Promise<FileSource> {
  const { size, mtimeMs, isFile } = await look(path);
  if (!isFile) throw new UsageError("file_changed", "that is no file");
  return {
    size,
    async read(offset, length) {
      const file = await open(path, "r").catch(unreadable);
      try {
        const now = await file.stat();
        if (now.size !== size || now.mtimeMs !== mtimeMs)
          throw new UsageError("file_changed", "the file was changed");
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length;) {
          const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
          if (bytesRead === 0) throw new UsageError("file_changed", "the file is shorter than it was");
          at += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

async function look(path: string): Promise<{ size: number; mtimeMs: number; isFile: boolean }> {
  const found = await stat(path).catch(unreadable);
  return { size: found.size, mtimeMs: found.mtimeMs, isFile: found.isFile() };
}

function unreadable(cause: NodeJS.ErrnoException): never {
  throw new UsageError("file_changed", `the file cannot be read (${cause.code ?? "unknown"})`, { cause });
}

/** A file that is being received. */
export interface FolderSink extends FileSink {
  /** Where it lies; undefined until it was closed. */
  readonly path: string | undefined;
}

/**
 * Saves a file in a folder, for its owner only, under a harmless form of its name, or that with a number: nothing is overwritten. Until it
 * is closed it lies there under a name that begins with a full stop.
 * @throws StorageError `storage_failed`, from each of its methods too.
 */
export async function folderSink(folder: string, name: string): Promise<FolderSink> {
  const temporary = join(folder, `.sotto-${randomBytes(8).toString("hex")}.part`);
  const file = await attempt(() => open(temporary, "wx", 0o600));
  let path: string | undefined;
  return {
    get path() {
      return path;
    },
    write: (bytes) => attempt(async () => file.writeFile(bytes)),
    close: () =>
      attempt(async () => {
        await file.sync();
        await file.close();
        const free = await claim(folder, safeFileName(name));
        await rename(temporary, free);
        path = free;
      }),
    async abort() {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

/** Makes an empty file under the first name that is free, so that nobody else takes it. */
async function claim(folder: string, name: string): Promise<string> {
  for (let number = 1; number <= mostOfOneName; number++) {
    const path = join(folder, numberedName(name, number));
    try {
      await (await open(path, "wx", 0o600)).close();
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    }
  }
  throw new StorageError("storage_failed", "that folder has too many files of that name");
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    throw new StorageError("storage_failed", `the file could not be written (${code})`, { cause });
  }
}
