/** Writes files so that a crash leaves the old file, the new one or none: temporary file, fsync, rename, fsync of the folder. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What a crash may leave behind; whoever finds such a file may delete it. */
export const TEMPORARY_SUFFIX = ".sotto-tmp";

/** Writes a whole file. @param mode permission bits of the new file. */
export function writeFileDurably(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, "wx", mode);
  try {
    const bytes = Buffer.from(content);
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncFolderOf(path);
}

/** Gives a file that is whole and durable its name, if that is free. False: it is not, and nothing was done. */
export function nameNewFile(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" || existsSync(path)) return false;
    // A file system without links.
    renameSync(temporary, path);
  }
  rmSync(temporary, { force: true });
  syncFolderOf(path);
  return true;
}

/** Makes what others wrote into a file durable, and its name. */
export function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolderOf(path);
}

/** Makes the name of a file durable. Windows cannot and need not. */
function syncFolderOf(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
