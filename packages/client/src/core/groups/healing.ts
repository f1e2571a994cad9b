/**
 * A group whose state here is lost, damaged, or older than what this device had done, or whose log ended: nothing more is sent or read with
 * it. Others are asked to remove our old leaf and add us anew; a pair is simply made anew. Whatever was sent meanwhile is named as missing.
 */
import { create } from "@bufbuild/protobuf";
import {
  LABELS,
  RejoinReason,
  RejoinRequestSchema,
  SealedContentSchema,
  labelled,
  toHex,
  type RejoinRequest,
} from "@sotto/protocol";
import { pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { isReady } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { deciders } from "./continuing.ts";
import { devicesOf } from "./inviting.ts";
import type { GroupRecord, GroupTask } from "./records.ts";
import { putGroup, wakeGroup, type GroupLive } from "./state.ts";
import { sealedItem } from "./welcoming.ts";

/** How often others are asked. */
export const askEveryMs = 600_000;
/** What lies in our inbox may be the answer already. */
export const askFirstMs = 5_000;
const doubtEveryMs = 86_400_000;
const mostAsked = 16;

/** In how long what lay in our inbox when we connected should be taken in, in milliseconds: what took a group's place may be there. */
export function inboxReadInMs({ env, live }: Step): number {
  const leftMs = (live.session.onlineSinceMs ?? 0) + askFirstMs - env.nowMs();
  return leftMs > askFirstMs ? 0 : Math.max(0, leftMs);
}

/** Asks, once a day at most, to be added anew though our state goes on being used. */
export async function pumpDoubt(step: Step, group: GroupLive): Promise<void> {
  const { record } = group;
  if (record.doubted !== true || !isReady(step)) return;
  const agoMs = step.env.nowMs() - (record.askedRejoinAtMs ?? 0);
  const asks = agoMs < 0 || agoMs >= doubtEveryMs;
  putGroup(step, group, {
    doubted: false,
    ...(asks && {
      tasks: [...record.tasks, ...(await requests(step, group))],
      askedRejoinAtMs: step.env.nowMs(),
    }),
  });
}

/** Asks to be added anew, now and then, until somebody has done it. */
export async function pumpHealing(step: Step, group: GroupLive): Promise<void> {
  const { record } = group;
  if (record.state !== "healing" || !isReady(step)) return;
  const now = step.env.nowMs();
  const since = Math.max(record.lost?.atMs ?? 0, step.live.session.onlineSinceMs ?? 0);
  const askedMs = (record.askedRejoinAtMs ?? 0) + askEveryMs - now;
  const dueMs = Math.max(askedMs <= askEveryMs ? askedMs : 0, since + askFirstMs - now);
  if (dueMs > 0 && dueMs <= askEveryMs) {
    step.effects.push({
      type: "timer",
      name: `rejoin ${record.id}`,
      delayMs: dueMs,
      run: async (later) => wakeGroup(later, record.id),
    });
    return;
  }
  const tasks = await requests(step, group);
  putGroup(step, group, { tasks: [...record.tasks, ...tasks], askedRejoinAtMs: now });
  wakeGroup(step, record.id);
}

function requests(step: Step, { record }: GroupLive): Promise<readonly GroupTask[]> {
  const { own } = step.live;
  // Our own devices first, then those who decide: it may be theirs to make the group anew.
  const decide = deciders(record);
  const rank = (account: string) => (account === own.account ? 0 : decide.includes(account) ? 1 : 2);
  return rejoinRequests(
    step,
    record,
    record.accounts.toSorted((a, b) => rank(a) - rank(b)),
  );
}

/** Requests to be added anew, for the first devices of these accounts. */
export async function rejoinRequests(
  step: Step,
  about: Pick<GroupRecord, "id" | "epoch" | "lost">,
  accounts: readonly string[],
): Promise<readonly Extract<GroupTask, { type: "inbox" }>[]> {
  const { own } = step.live;
  const said = {
    logId: bytesOf(about.id),
    accountId: bytesOf(own.account),
    deviceId: bytesOf(own.device),
    madeAtSec: BigInt(nowSec(step)),
    epoch: BigInt(about.epoch),
    reason: reasons[about.lost?.why ?? "own"],
    refusedCommit: about.lost?.refused ?? new Uint8Array(),
  };
  const signature = await step.env.crypto.ed25519Sign(own.deviceKey.privateKey, rejoinTranscript(said));
  const value = create(RejoinRequestSchema, { ...said, signature });
  const content = create(SealedContentSchema, { content: { case: "rejoin", value } });
  const tasks: Extract<GroupTask, { type: "inbox" }>[] = [];
  for (const account of accounts) {
    if (account !== own.account && (await pinned(step, account)) === undefined) continue;
    for (const device of await devicesOf(step, account)) {
      if (tasks.length >= mostAsked) return tasks;
      const item = await sealedItem(step, device.inboxKey, content);
      tasks.push({ type: "inbox", inbox: toHex(device.inboxId), item });
    }
  }
  return tasks;
}

const reasons = {
  own: RejoinReason.LOST,
  commit: RejoinReason.COMMIT,
  log: RejoinReason.LOG,
} as const;

/** What a request to be added anew signs. */
export function rejoinTranscript(
  request: Pick<
    RejoinRequest,
    "logId" | "accountId" | "deviceId" | "madeAtSec" | "epoch" | "reason" | "refusedCommit"
  >,
): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(17));
  numbers.setBigUint64(0, request.madeAtSec);
  numbers.setBigUint64(8, request.epoch);
  numbers.setUint8(16, request.reason);
  const { logId, accountId, deviceId, refusedCommit } = request;
  const numbered = new Uint8Array(numbers.buffer);
  return labelled(LABELS.rejoin, logId, accountId, deviceId, numbered, refusedCommit);
}
