/** Files of a disk as attachments of a message, and how far they are. */
import { basename, resolve } from "node:path";
import type { AttachmentInput, Message, Messenger } from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import type { Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { remark } from "../io/output.ts";
import { statusLine, transferBar } from "../io/progress.ts";
import { sanitiseLine } from "@sotto/client/readable";

/** What is to be sent of the files at these paths. @throws Failure `usage` when one cannot be read. */
export async function filesAt(
  paths: readonly string[],
  keepMetadata: boolean,
): Promise<readonly AttachmentInput[]> {
  const { fileSource } = await import("@sotto/client/node");
  const files: AttachmentInput[] = [];
  for (const path of paths) {
    try {
      // Found again by its path when this process ends before it has gone out.
      const reference = resolve(path);
      files.push({ source: await fileSource(path), name: basename(reference), reference, keepMetadata });
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      throw usageFailure(
        `${path}: ${error.message}`,
        "check the path. A folder has to be packed into one file first.",
      );
    }
  }
  return files;
}

const stripped: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/webp"]);
const tellsNothing: ReadonlySet<string> = new Set(["image/gif", "image/svg+xml", "image/bmp"]);

/** Says of which files it is not known how to take out place and time. */
export async function remarkMetadata({ io, json }: Context, { attachments = [] }: Message): Promise<void> {
  if (json) return;
  for (const { name, type } of attachments) {
    const isSeen = /^(?:image|video)\//.test(type);
    if (!isSeen || stripped.has(type) || tellsNothing.has(type)) continue;
    await remark(
      io,
      `! ${sanitiseLine(name)} is sent as it is, with what it may tell of place, time and camera: that is taken only out of JPEG, PNG and WebP pictures.`,
    );
  }
}

/** Tells `alive` of each piece of any file that the server took, as long as `work` goes on; draws how far those of `message` are. */
export async function withUploads(
  { io, json }: Context,
  messenger: Messenger,
  { alive, message }: { readonly alive: () => void; readonly message?: Message },
  work: () => Promise<void>,
): Promise<void> {
  const line = statusLine(io, json);
  const all = message?.attachments?.reduce((sum, { size }) => sum + size, 0) ?? 0;
  const doneOf = new Map<number, number>();
  const unsubscribe = messenger.subscribe((event) => {
    if (event.type !== "upload") return;
    alive();
    if (event.id !== message?.id) return;
    doneOf.set(event.index, event.done);
    line.show(
      transferBar(
        [...doneOf.values()].reduce((sum, done) => sum + done, 0),
        all,
      ),
    );
  });
  try {
    await work();
  } finally {
    unsubscribe();
    line.clear();
  }
}
