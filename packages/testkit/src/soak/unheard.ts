/**
 * Whoever was away when somebody else's device list changed hears of that when they write to them, and not before. Where the account's only
 * device in a log was the one that was revoked, nobody sees it out until then: somebody has to write.
 */
import { names } from "@sotto/client/parts";
import { decodeSignedDeviceList } from "@sotto/crypto";
import { DeviceListSchema, decode, toHex } from "@sotto/protocol";
import type { SimulatedDevice } from "../simulation/index.ts";
import { begin, newText } from "./people.ts";
import { see, type Seen } from "./seen.ts";
import { inUse, type Stage } from "./stage.ts";

/** Has one of those in each such log write there. */
export async function writeWhereNobodyHeard(stage: Stage): Promise<void> {
  const present: Seen[] = [];
  for (const device of inUse(stage)) if (device.alive) present.push(await see(device));
  for (const log of stage.world.witness.logs.values()) {
    const members = log.members.get(log.epoch) ?? new Set();
    const inside = present.filter(
      ({ device, groups }) => members.has(device.device) && groups.get(log.id)?.state === "joined",
    );
    for (const gone of stage.revoked) {
      if (!members.has(gone.device) || inside.some(({ device }) => device.account === gone.account)) continue;
      const [writer] = inside;
      if (writer === undefined || (await isKnown(inside, gone))) continue;
      const isGroup = writer.groups.get(log.id)?.kind === "group";
      begin(stage, writer.device.up.send(isGroup ? log.id : gone.identifier, newText(stage)));
      break;
    }
  }
}

/** Whether one of them has seen the list that revokes a device: it acts without being asked. */
async function isKnown(inside: readonly Seen[], { account, device }: SimulatedDevice): Promise<boolean> {
  for (const { stored } of inside.map((one) => one.device)) {
    const record = await stored.get(names.directory(account));
    if (record === undefined) continue;
    const list = decode(DeviceListSchema, decodeSignedDeviceList(record.deviceList).list);
    const known = list.devices.find(({ deviceId }) => toHex(deviceId) === device);
    if (known === undefined || known.revokedAtSec > 0n) return true;
  }
  return false;
}
