/**
 * Letting others in: what a device needs to join is sealed to its inbox key and left in its inbox. The ratchet tree goes along when it is
 * small; otherwise one sealed copy lies in a side log, for all who join.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { sealInboxItem, type MlsMember } from "@sotto/crypto";
import {
  InboxItemSchema,
  LABELS,
  MembershipSchema,
  SealedContentSchema,
  SideLogSchema,
  WelcomeItemSchema,
  concatBytes,
  toHex,
  utf8,
  type SealedContent,
  type SideLog,
} from "@sotto/protocol";
import { bytesOf } from "../hex.ts";
import type { Step } from "../step.ts";
import { findDevice, type Invitee } from "./inviting.ts";
import { accountOfMember } from "./membership.ts";
import { groupNames, type GroupTask, type Joiner } from "./records.ts";
import type { GroupLive } from "./state.ts";

const largestInlineTree = 16_384;
const pieceBytes = 196_608;
/** Of a key that seals one thing only. */
export const onlyNonce = (): Uint8Array => new Uint8Array(12);

/** What is to be done so that everybody who joined with a Commit hears of it. */
export async function welcomeTasks(
  step: Step,
  groupId: string,
  joined: { readonly joiners: readonly Joiner[]; readonly tree: Uint8Array },
  seq: number,
): Promise<readonly GroupTask[]> {
  const { joiners, tree } = joined;
  if (joiners.length === 0) return [];
  const inline = tree.length <= largestInlineTree;
  const side = inline ? undefined : await sideLog(step, tree);
  const tasks: GroupTask[] = side === undefined ? [] : [side.task];
  for (const joiner of joiners) {
    const welcome = create(WelcomeItemSchema, {
      welcome: joiner.welcome,
      logId: bytesOf(groupId),
      slotId: bytesOf(joiner.slot),
      afterSeq: BigInt(seq),
      tree:
        side === undefined ? { case: "inlineTree", value: tree } : { case: "sideTree", value: side.sideLog },
      fromAccountId: bytesOf(step.live.own.account),
      fromDeviceId: bytesOf(step.live.own.device),
    });
    const content = create(SealedContentSchema, { content: { case: "welcome", value: welcome } });
    tasks.push({
      type: "inbox",
      inbox: joiner.inbox,
      item: await sealedItem(step, joiner.inboxKey, content),
      // What follows goes to a log that they do not wait for yet.
      wakes: true,
    });
  }
  return tasks;
}

/** What is to be done so that devices hear that they are in a group, if they do not know it. */
export async function tellMembers(
  step: Step,
  { record }: GroupLive,
  members: readonly MlsMember[],
): Promise<readonly GroupTask[]> {
  const { own } = step.live;
  const value = create(MembershipSchema, {
    logId: bytesOf(record.id),
    fromAccountId: bytesOf(own.account),
    fromDeviceId: bytesOf(own.device),
  });
  const content = create(SealedContentSchema, { content: { case: "membership", value } });
  const tasks: GroupTask[] = [];
  for (const member of members) {
    const device = await findDevice(step, accountOfMember(member), member.deviceId);
    if (device === undefined) continue;
    const item = await sealedItem(step, device.inboxKey, content);
    tasks.push({ type: "inbox", inbox: toHex(device.inboxId), item });
  }
  return tasks;
}

/** The body of an inbox entry that only the holder of the inbox key can read. */
export async function sealedItem(
  step: Pick<Step, "env">,
  inboxKey: Uint8Array,
  content: SealedContent,
): Promise<Uint8Array> {
  const bytes = toBinary(SealedContentSchema, content);
  const value = await sealInboxItem(step.env.mlsProvider, inboxKey, bytes);
  return toBinary(
    InboxItemSchema,
    create(InboxItemSchema, {
      item: { case: "sealed", value: { ...value, $typeName: "sotto.v1.SealedItem" } },
    }),
  );
}

/** Bytes for several readers, sealed once, in a log of their own. */
export async function sideLog(
  step: Step,
  bytes: Uint8Array,
): Promise<{ readonly task: GroupTask; readonly sideLog: SideLog }> {
  const { crypto } = step.env;
  const [logId, token, key] = [crypto.randomBytes(16), crypto.randomBytes(32), crypto.randomBytes(32)];
  const sealed = await crypto.aesGcmSeal(key, onlyNonce(), bytes, utf8(LABELS.sideLog));
  const log = toHex(logId);
  let pieces = 0;
  for (let at = 0; at < sealed.length; at += pieceBytes) {
    // Numbered, since a piece may be there twice after a connection broke.
    const number = new Uint8Array(4);
    new DataView(number.buffer).setUint32(0, pieces);
    step.draft.putItem(
      groupNames.pieces(log),
      pieces,
      concatBytes(number, sealed.subarray(at, at + pieceBytes)),
    );
    pieces += 1;
  }
  return {
    task: { type: "side-log", log, token, keeper: toHex(crypto.randomBytes(16)) },
    sideLog: create(SideLogSchema, {
      logId,
      accessToken: token,
      size: BigInt(sealed.length),
      sha256: await crypto.sha256(sealed),
      key,
    }),
  };
}

/** Somebody who joins, with a fresh reader slot for them. */
export function joinerOf(step: Step, { device }: Invitee, welcome: Uint8Array): Joiner {
  return {
    inbox: toHex(device.inboxId),
    inboxKey: device.inboxKey,
    slot: toHex(step.env.crypto.randomBytes(16)),
    welcome,
  };
}
