/** `sotto devices`: the devices on this account's own list; to link, approve and revoke them is told in files of their own. */
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { printDevices } from "../device-rows.ts";
import { examples } from "../options.ts";
import { withSession } from "../session.ts";
import { approveCommand } from "./devices-approve.ts";
import { linkCommand } from "./devices-link.ts";
import { revokeCommand } from "./devices-revoke.ts";

/** The command `devices`. */
export function devicesCommand(): Command {
  return new Command("devices")
    .description("Lists the devices of this account, revoked ones too; links new ones, revokes lost ones.")
    .addHelpText(
      "after",
      examples(
        "sotto devices",
        "sotto devices link --server 'sotto://chat.example.org/#FINGERPRINT'    (on the new device)",
        "sotto devices approve ABCD-EFGH-JKMN-PQRS    (on a device that you have)",
        'sotto devices revoke "old laptop"',
      ),
    )
    .action((_options: object, command: Command) => list(contextOf(command)))
    .addCommand(linkCommand())
    .addCommand(approveCommand())
    .addCommand(revokeCommand());
}

async function list(context: Context): Promise<void> {
  await withSession(context, { connect: false }, async ({ messenger }) => {
    await printDevices(context, await messenger.devices());
  });
}
