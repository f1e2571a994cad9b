/** `sotto devices`: the devices on this account's own list. */
import { Command } from "commander";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { sanitiseLine } from "../io/sanitise.ts";
import { alignRows } from "../io/table.ts";
import { examples } from "../options.ts";
import { withSession } from "../session.ts";
import { formatDay } from "../view.ts";

/** The command `devices`. */
export function devicesCommand(): Command {
  return new Command("devices")
    .description("Lists the devices of this account, revoked ones too.")
    .addHelpText("after", examples("sotto devices", "sotto devices --json"))
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command);
      await withSession(context, { connect: false }, async ({ messenger }) => {
        const devices = await messenger.devices();
        if (context.json) {
          for (const { id, name, addedAt, current, revoked } of devices) {
            await printJson(context.io, { id, name, added_at: addedAt, current, revoked });
          }
          return;
        }
        const rows = devices.map(({ id, name, addedAt, current, revoked }) => [
          id,
          `since ${formatDay(addedAt)}`,
          revoked ? "revoked" : current ? "this device" : "in use",
          sanitiseLine(name),
        ]);
        for (const row of alignRows(rows)) await printLine(context.io, row);
      });
    });
}
