/**
 * A group's picture: its hash is part of the group's data, so who may change it is checked as for the name, and everybody comes to the same;
 * the picture itself comes as a message of whoever set it, or of whoever let somebody in. Nothing is kept that is not a small picture.
 */
import { toHex } from "@sotto/protocol";
import { isThumbnail } from "../attachments/thumbnails.ts";
import { notify, type Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import { enqueueMls } from "./queue.ts";
import { groupNames, type GroupRecord } from "./records.ts";
import type { GroupLive } from "./state.ts";

/** Our Commit is in force: sends the picture to those who do not have it. @param joined whether somebody came in with it. */
export async function tellPicture(
  step: Step,
  { record }: GroupLive,
  before: GroupRecord,
  joined: boolean,
): Promise<void> {
  const { kind, picture: sha256 } = parseGroupData(record.data);
  if (kind !== "group" || sha256 === "") return;
  const isNew = parseGroupData(before.data).picture !== sha256;
  if (!isNew && !joined) return;
  if ((await step.draft.get(groupNames.picture(record.conversation, sha256))) === undefined) return;
  await enqueueMls(step, record.conversation, { type: "group-picture", sha256 });
}

/** Takes a picture in, if it is the one that the group has. Anything else is passed over. */
export async function takePicture(step: Step, { record }: GroupLive, image: Uint8Array): Promise<void> {
  const { name, picture } = parseGroupData(record.data);
  if (picture === "" || toHex(await step.env.crypto.sha256(image)) !== picture) return;
  if (!(await isThumbnail(image))) return;
  step.draft.put(groupNames.picture(record.conversation, picture), image);
  notify(step, { type: "conversation", peer: name, groupId: record.id });
}

/** A new epoch: a picture that the group has no more is deleted. */
export function dropPicture(step: Step, { record }: GroupLive, before: GroupRecord): void {
  const { picture } = parseGroupData(before.data);
  if (picture !== "" && picture !== parseGroupData(record.data).picture)
    step.draft.delete(groupNames.picture(record.conversation, picture));
}
