/** What people do with the picture of a group: set it, take it away, look at it. */
import { UsageError, toHex } from "@sotto/protocol";
import { isThumbnail } from "../attachments/thumbnails.ts";
import type { Engine } from "../engine.ts";
import { bytesSource } from "../media/file-source.ts";
import { stripPicture } from "../media/picture.ts";
import type { Step } from "../step.ts";
import { changeGroup } from "./commands.ts";
import { parseGroupData } from "./data.ts";
import { findGroup } from "./overview.ts";
import { groupNames } from "./records.ts";

/** Gives a group a picture, or none. @throws as Messenger.setGroupPicture. */
export async function setGroupPicture(
  engine: Engine,
  group: string,
  given: Uint8Array | undefined,
): Promise<void> {
  if (given === undefined) return changeGroup(engine, group, { type: "picture", sha256: "" }, "mayRename");
  const image = await withoutMetadata(given);
  if (!(await isThumbnail(image)))
    throw new UsageError(
      "usage",
      "a group's picture is a JPEG or WebP of at most 16 KiB and 512 pixels a side",
    );
  const sha256 = await engine.run(async (step) => toHex(await step.env.crypto.sha256(image)));
  await changeGroup(engine, group, { type: "picture", sha256 }, "mayRename", async (step, { record }) => {
    step.draft.put(groupNames.picture(record.conversation, sha256), image);
  });
}

async function withoutMetadata(given: Uint8Array): Promise<Uint8Array> {
  const stripped = await stripPicture(bytesSource(given));
  return stripped === undefined ? given : stripped.source.read(0, stripped.source.size);
}

/** The picture, as far as it has come. @throws as Messenger.groupPicture. */
export async function groupPicture(step: Step, text: string): Promise<Uint8Array | undefined> {
  const { record } = await findGroup(step, text);
  const { picture } = parseGroupData(record.data);
  return picture === "" ? undefined : step.draft.get(groupNames.picture(record.conversation, picture));
}
