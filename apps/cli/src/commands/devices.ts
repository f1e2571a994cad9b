/** `sotto devices`: the devices on this account's own list. */
import { Command } from "commander";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
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
        for (const { id, addedAt, current, revoked } of await messenger.devices()) {
          if (context.json) {
            await printJson(context.io, { id, added_at: addedAt, current, revoked });
          } else {
            const state = revoked ? "revoked" : current ? "this device" : "in use";
            await printLine(context.io, `${id}  since ${formatDay(addedAt)}  ${state}`);
          }
        }
      });
    });
}
