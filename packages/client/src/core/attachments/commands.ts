/** What callers do with attachments of messages that are here. */
import { largestAttachment } from "@sotto/crypto";
import { TransportError, UsageError } from "@sotto/protocol";
import type { DownloadOptions, FileSink, FileSource } from "../../api.ts";
import type { Engine } from "../engine.ts";
import type { Env } from "../env.ts";
import { stripPicture } from "../media/picture.ts";
import { download } from "./download.ts";
import { findAttachment, placeOf } from "./finding.ts";
import { attachmentNames } from "./records.ts";

/** Fetches an attachment. @throws as Messenger.downloadAttachment. */
export async function downloadAttachment(
  engine: Engine,
  env: Env,
  [conversation, id, index]: readonly [string, string, number],
  sink: FileSink,
  options?: DownloadOptions,
): Promise<void> {
  const { attachment } = await engine.run((step) => findAttachment(step, conversation, id, index));
  if (engine.transport === undefined) {
    throw new TransportError("server_unreachable", "the messenger was opened without a connection");
  }
  await download(env, engine.transport.blobs, attachment, sink, options);
}

/** Gives a file again that an upload waits for. @throws UsageError `usage`. */
export async function supplyFile(
  engine: Engine,
  conversation: string,
  id: string,
  index: number,
  source: FileSource,
): Promise<void> {
  await engine.run(async (step) => {
    const place = await placeOf(step, conversation, id);
    for (const order of step.live.transfers.uploads) {
      const upload = await step.draft.item(attachmentNames.uploads, order);
      const isIt = upload?.place.conversation === place.conversation && upload.place.order === place.order;
      if (upload === undefined || !isIt || upload.index !== index) continue;
      step.files.sources.set(
        upload.id,
        upload.strip ? ((await stripPicture(source))?.source ?? source) : source,
      );
      const active = step.live.transfers.active.get(order);
      if (active !== undefined) active.waitsForFile = false;
      return;
    }
    throw new UsageError("usage", "no such attachment waits to be uploaded");
  });
}

/** Size of the largest file that the server takes; undefined: not known. */
export function largestFile({ live }: Engine): number | undefined {
  const { maxBlobBytes } = live.transfers;
  return maxBlobBytes === undefined ? undefined : (largestAttachment(maxBlobBytes) ?? 0);
}
