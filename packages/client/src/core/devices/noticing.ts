/**
 * What follows from a newer device list: the owner is told of every device that came to the own account, from whichever device it was let in
 * (an approval can be the work of a fraud), and the groups that the account is in are put right.
 */
import { activeDevices, type VerifiedDeviceList } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import { wakeGroup } from "../groups/state.ts";
import { addNotice } from "../notices.ts";
import type { Step } from "../step.ts";
import { openName } from "./names.ts";

/** Takes in that a list was pinned in place of an older one. */
export async function noteNewerList(
  step: Step,
  account: string,
  before: VerifiedDeviceList | undefined,
  after: VerifiedDeviceList,
): Promise<void> {
  if (before?.version === after.version) return;
  for (const group of step.live.groups.byId.values()) {
    if (!group.record.accounts.includes(account)) continue;
    group.leavesChecked = false;
    wakeGroup(step, group.record.id);
  }
  const { own } = step.live;
  if (account !== own.account || before === undefined) return;
  const known = new Set(before.list.devices.map(({ deviceId }) => toHex(deviceId)));
  for (const device of activeDevices(after.list)) {
    const id = toHex(device.deviceId);
    if (known.has(id) || id === own.device) continue;
    const name = await openName(step.env, own.backupKey, device.sealedName);
    await addNotice(step, { type: "device_added", id, name });
  }
}
