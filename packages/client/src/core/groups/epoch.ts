/** Making a state the present one of a group. */
import type { MlsGroup } from "@sotto/crypto";
import { LABELS, equalBytes } from "@sotto/protocol";
import type { Step } from "../step.ts";
import { addNotice } from "../notices.ts";
import { followLinks } from "./links/following.ts";
import { accountOfMember } from "./membership.ts";
import { nameOfAccount } from "./naming.ts";
import { dropPicture } from "./pictures.ts";
import { putGroup, saveEpoch, type GroupLive } from "./state.ts";

/** The record of a group is written with every message, so this has an end. */
const mostGone = 128;

/** Makes a state the present one: stores it in place of the epoch before, whose keys are gone then. */
export async function enterEpoch(step: Step, group: GroupLive, next: MlsGroup): Promise<void> {
  const token = await accessToken(step, next);
  if (group.mls !== undefined) await tellGaps(step, group.mls);
  await saveEpoch(step, group, next);
  const { record } = group;
  const accounts = accountsOf(next);
  const leaving = record.leaving?.filter((account) => accounts.includes(account)) ?? [];
  const gone = [...(record.gone ?? []), ...record.accounts].filter((account) => !accounts.includes(account));
  const isSame =
    accounts.length === record.accounts.length &&
    accounts.every((account) => record.accounts.includes(account)) &&
    equalBytes(next.groupData, record.data);
  const { epoch, groupData: data } = next;
  putGroup(step, group, { epoch, token, data, accounts, leaving, gone: gone.slice(-mostGone), ownSent: [] });
  if (!isSame) putGroup(step, group, { changedAt: epoch });
  if (!isSame) await followLinks(step, group, record);
  if (!isSame) dropPicture(step, group, record);
  // Who comes does not know our name yet: it goes along with the next text.
  const isMore = accounts.some((account) => !record.accounts.includes(account));
  if (isMore) putGroup(step, group, { toldName: undefined });
  group.reader.asked.clear();
}

/** The accounts that have a leaf, each once. */
export const accountsOf = (mls: MlsGroup): readonly string[] => [
  ...new Set(mls.members.map(accountOfMember)),
];

/** An epoch is over: what its senders numbered and nobody showed us was left out of the log. */
async function tellGaps(step: Step, before: MlsGroup): Promise<void> {
  for (const { leafIndex, count } of step.env.mls.missed(before)) {
    const sender = before.members.find((member) => member.leafIndex === leafIndex);
    if (sender === undefined) continue;
    await addNotice(step, { type: "gap", from: await nameOfAccount(step, accountOfMember(sender)), count });
  }
}

/** The token that opens an epoch of the log: 32 bytes from the MLS exporter. */
export function accessToken(step: Step, mls: MlsGroup): Promise<Uint8Array> {
  return step.env.mls.exportSecret(mls, LABELS.accessToken, new Uint8Array(), 32);
}
