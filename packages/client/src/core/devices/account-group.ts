/** The group of the account's own devices: made by whichever finds that there are others. */
import { makeGroup } from "../groups/creating.ts";
import { accountData } from "../groups/data.ts";
import { devicesOf } from "../groups/inviting.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { accountGroup } from "./own-group.ts";

const patienceMs = 600_000;

/** Whether the other devices were asked lately to let this one in again. A server can make us lose each new one as well. */
function isHealing(step: Step): boolean {
  return [...step.live.groups.byId.values()].some(({ record }) => {
    const agoMs = step.env.nowMs() - (record.askedRejoinAtMs ?? 0);
    return record.kind === "account" && record.state === "healing" && agoMs >= 0 && agoMs < patienceMs;
  });
}

/** Makes the group of the account's devices when there are others and none was made. */
export async function ensureAccountGroup(step: Step): Promise<void> {
  const { own, devices } = step.live;
  if (!isReady(step) || devices.making || accountGroup(step) !== undefined || isHealing(step)) return;
  if ((await devicesOf(step, own.account)).length === 0) return;
  devices.making = true;
  await makeGroup(step, { data: accountData, accounts: [] }, async (later) => {
    later.live.devices.making = false;
  });
}
