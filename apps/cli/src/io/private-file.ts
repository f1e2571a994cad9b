/** Writes a file that only its owner may read, whole or not at all. */
import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import type { FileSink } from "@sotto/client";
import { Failure } from "../errors.ts";

/** Replaces the file if there is one. @throws Failure `storage_failed`. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const sink = privateFileSink(path);
  try {
    await sink.write(new TextEncoder().encode(text));
    await sink.close();
  } catch (cause) {
    await sink.abort();
    throw cause;
  }
}

/** The same, piece by piece: the file is made with the first. @throws Failure `storage_failed`, from each of its methods. */
export function privateFileSink(path: string): FileSink {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  let opened: FileHandle | undefined;
  return {
    write: (bytes) =>
      attempt(async () => {
        opened ??= await open(temporary, "wx", 0o600);
        await opened.writeFile(bytes);
      }),
    close: () =>
      attempt(async () => {
        await opened?.sync();
        await opened?.close();
        await rename(temporary, path);
      }),
    async abort() {
      await opened?.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new Failure(
      "storage_failed",
      `the file could not be written (${reason})`,
      "check the folder and its permissions, or choose another file.",
      { cause },
    );
  }
}
