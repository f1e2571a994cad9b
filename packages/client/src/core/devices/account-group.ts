/** The group of the account's own devices: made by whichever finds that there are others. */
import { findDevice } from "@sotto/crypto";
import { makeGroup } from "../groups/creating.ts";
import { accountData } from "../groups/data.ts";
import { devicesOf } from "../groups/inviting.ts";
import { deviceOf } from "../hex.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { accountGroup } from "./own-group.ts";
import { ownList } from "./own-list.ts";

const patienceMs = 600_000;

/** Whether the other devices were asked lately to let this one in again. A server can make us lose each new one as well. */
function isHealing(step: Step): boolean {
  return [...step.live.groups.byId.values()].some(({ record }) => {
    const agoMs = step.env.nowMs() - (record.askedRejoinAtMs ?? 0);
    return record.kind === "account" && record.state === "healing" && agoMs >= 0 && agoMs < patienceMs;
  });
}

/** How much longer this device waits to be let into the group that the others have: whoever approved it does that first. */
async function waitsMs(step: Step): Promise<number> {
  const { own } = step.live;
  const listed = findDevice((await ownList(step)).list, deviceOf(own.device));
  const agoMs = step.env.nowMs() - Number(listed?.addedAtSec ?? 0n) * 1000;
  return agoMs >= 0 && agoMs < patienceMs ? patienceMs - agoMs : 0;
}

/** Makes the group of the account's devices when there are others and none was made; a device that was let in lately waits for theirs. */
export async function ensureAccountGroup(step: Step): Promise<void> {
  const delayMs = await waitsMs(step);
  if (delayMs === 0) return makeAccountGroup(step);
  step.effects.push({ type: "timer", name: "account group", delayMs, run: makeAccountGroup });
}

/** Makes the group of the account's devices now, unless there is one. */
export async function makeAccountGroup(step: Step): Promise<void> {
  const { own, devices } = step.live;
  if (!isReady(step) || devices.making || accountGroup(step) !== undefined || isHealing(step)) return;
  if ((await devicesOf(step, own.account)).length === 0) return;
  devices.making = true;
  await makeGroup(step, { data: accountData, accounts: [] }, async (later) => {
    later.live.devices.making = false;
  });
}
