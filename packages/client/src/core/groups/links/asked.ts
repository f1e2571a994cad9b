/** Where this account asked to be let in, and what came of it. */
import {
  JoinAnsweredSchema,
  JoinVerdict,
  ValidationError,
  decode,
  equalBytes,
  toHex,
  type JoinAnswer,
} from "@sotto/protocol";
import type { AskedJoin } from "../../../api.ts";
import { decideAbout } from "../../deciding.ts";
import { pinned } from "../../directory.ts";
import { addNotice } from "../../notices.ts";
import { notify, nowSec, type Step } from "../../step.ts";
import { parseGroupData } from "../data.ts";
import type { ItemVerdict } from "../held-items.ts";
import type { GroupLive } from "../state.ts";
import { answerTranscript } from "./link.ts";
import { linkNames, type AskedJoinRecord } from "./records.ts";

const mostBytes = 4_096;

/** Where this account asked, the oldest first. */
export async function askedJoins(step: Step): Promise<readonly AskedJoin[]> {
  return (await step.draft.page(linkNames.asked)).map(({ value }) => shown(step, value));
}

/** One of them. */
export function shown(step: Step, { id, link, askedAtMs, state }: AskedJoinRecord): AskedJoin {
  const isOver = state === "waiting" && link.expiresAt <= nowSec(step);
  return {
    id,
    group: link.name,
    askedAt: Math.floor(askedAtMs / 1000),
    expiresAt: link.expiresAt,
    state: isOver ? "closed" : state,
  };
}

/** Forgets where this account asked. Whoever was asked is not told. */
export async function forgetJoin(step: Step, id: string): Promise<void> {
  const asked = await findAsked(step, id);
  if (asked === undefined) return;
  step.draft.deleteItem(linkNames.asked, asked.order);
  notify(step, { type: "joins" });
}

/** What was asked by a link. */
export const findAsked = async (step: Step, id: string) =>
  (await step.draft.page(linkNames.asked)).find(({ value }) => value.id === id);

/** Takes in that an admin does not let this account in. @throws ValidationError `message_refused` (SOTTO-ASK-2), CodecError. */
export async function takeJoinAnswer(step: Step, answer: JoinAnswer): Promise<ItemVerdict> {
  const done: ItemVerdict = { type: "done" };
  const said = decode(JoinAnsweredSchema, answer.answered, mostBytes);
  const asked = await findAsked(step, toHex(said.linkId));
  if (asked === undefined || asked.value.state !== "waiting") return done;
  const { link, askedAtMs } = asked.value;
  if (toHex(said.askerAccountId) !== step.live.own.account || Number(said.askedAtMs) !== askedAtMs)
    return done;
  const account = toHex(said.accountId);
  const host = link.hosts.find((one) => one.account === account);
  const known = host && (await pinned(step, account));
  const device = known?.list.list.devices.find((one) => equalBytes(one.deviceId, said.deviceId));
  const signed =
    device !== undefined &&
    device.revokedAtSec === 0n &&
    (await step.env.crypto.ed25519Verify(
      device.signatureKey,
      answerTranscript(link.secret, answer.answered),
      answer.signature,
    ));
  if (!signed)
    throw new ValidationError("message_refused", "SOTTO-ASK-2: an answer that no admin of the link signed");
  const state =
    said.verdict === JoinVerdict.REFUSED
      ? "refused"
      : said.verdict === JoinVerdict.CLOSED
        ? "closed"
        : undefined;
  if (state === undefined) return done;
  step.draft.putItem(linkNames.asked, asked.order, { ...asked.value, state });
  notify(step, { type: "joins" });
  await addNotice(step, { type: "join_answered", group: link.name, state });
  return done;
}

/** Somebody let this account into a group: if it asked for that, it is no request of theirs, and the asking is over. */
export async function noteAdmitted(step: Step, group: GroupLive): Promise<void> {
  if (group.record.kind !== "group") return;
  for (const { order, value } of await step.draft.page(linkNames.asked)) {
    if (!hasLink(group, value.link.secret)) continue;
    step.draft.deleteItem(linkNames.asked, order);
    notify(step, { type: "joins" });
    await decideAbout(step, { group }, { accepted: true });
  }
}

/** Whether a group has a link now. */
export const hasLink = ({ record }: GroupLive, secret: string): boolean =>
  record.kind === "group" && parseGroupData(record.data).invites.some((one) => one.secret === secret);
