/** How devices of the account are listed, for people and for scripts. */
import type { DeviceSummary } from "@sotto/client";
import type { Context } from "./context.ts";
import { printJson, printLine } from "./io/output.ts";
import { formatDay, sanitiseLine } from "@sotto/client/readable";
import { alignRows } from "./io/table.ts";

/** Prints devices: a row each, or an object a line. */
export async function printDevices(context: Context, devices: readonly DeviceSummary[]): Promise<void> {
  if (context.json) {
    for (const { id, name, addedAt, current, revoked } of devices) {
      await printJson(context.io, { id, name, added_at: addedAt, current, revoked });
    }
    return;
  }
  const rows = devices.map((device) => [
    device.id,
    `since ${formatDay(device.addedAt)}`,
    deviceState(device),
    sanitiseLine(device.name),
  ]);
  for (const row of alignRows(rows)) await printLine(context.io, row);
}

/** "revoked", "this device" or "in use". */
export const deviceState = ({ current, revoked }: DeviceSummary): string =>
  revoked ? "revoked" : current ? "this device" : "in use";

/** Its name with the beginning of its id, sanitised: "laptop (3f9a01c2)". */
export const deviceTitle = ({ id, name }: Pick<DeviceSummary, "id" | "name">): string =>
  name === "" ? id : `${sanitiseLine(name)} (${id.slice(0, 8)})`;
