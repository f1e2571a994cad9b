/** Writes a file that only its owner may read, whole or not at all. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { Failure } from "../errors.ts";

/** Replaces the file if there is one. @throws Failure `storage_failed`. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new Failure(
      "storage_failed",
      `the file could not be written (${reason})`,
      "check the folder and its permissions, or choose another file.",
      { cause },
    );
  }
}
