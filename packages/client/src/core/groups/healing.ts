/**
 * A group whose state here is lost, damaged, or older than what this device had done: nothing more is sent or read with it. Others are
 * asked to remove our old leaf and add us anew; a pair is simply made anew. Whatever was sent meanwhile is named as missing.
 */
import { create } from "@bufbuild/protobuf";
import { LABELS, RejoinRequestSchema, SealedContentSchema, labelled, toHex } from "@sotto/protocol";
import { pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { isReady } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { devicesOf } from "./inviting.ts";
import type { GroupTask } from "./records.ts";
import { putGroup, wakeGroup, type GroupLive } from "./state.ts";
import { sealedItem } from "./welcoming.ts";

const askEveryMs = 600_000;
const doubtEveryMs = 86_400_000;
const mostAsked = 16;

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
  const now = step.env.nowMs();
  const dueMs = (record.askedRejoinAtMs ?? 0) + askEveryMs - now;
  if (!isReady(step)) return;
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

async function requests(step: Step, group: GroupLive): Promise<readonly GroupTask[]> {
  const { own } = step.live;
  const madeAtSec = BigInt(nowSec(step));
  const ids = {
    logId: bytesOf(group.record.id),
    accountId: bytesOf(own.account),
    deviceId: bytesOf(own.device),
  };
  const signature = await step.env.crypto.ed25519Sign(
    own.deviceKey.privateKey,
    rejoinTranscript({ ...ids, madeAtSec }),
  );
  const value = create(RejoinRequestSchema, { ...ids, madeAtSec, signature });
  const content = create(SealedContentSchema, { content: { case: "rejoin", value } });
  const tasks: GroupTask[] = [];
  const others = group.record.accounts.toSorted(
    (a, b) => Number(b === own.account) - Number(a === own.account),
  );
  for (const account of others) {
    if (account !== own.account && (await pinned(step, account)) === undefined) continue;
    for (const device of await devicesOf(step, account)) {
      if (tasks.length >= mostAsked) return tasks;
      const item = await sealedItem(step, device.inboxKey, content);
      tasks.push({ type: "inbox", inbox: toHex(device.inboxId), item });
    }
  }
  return tasks;
}

/** What a request to be added anew signs. */
export function rejoinTranscript(request: {
  readonly logId: Uint8Array;
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly madeAtSec: bigint;
}): Uint8Array {
  const time = new DataView(new ArrayBuffer(8));
  time.setBigUint64(0, request.madeAtSec);
  const { logId, accountId, deviceId } = request;
  return labelled(LABELS.rejoin, logId, accountId, deviceId, new Uint8Array(time.buffer));
}
