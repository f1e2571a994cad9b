/** `sotto settings`: what a person may choose. */
import { Command, Option } from "commander";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { examples } from "../options.ts";
import { withSession } from "../session.ts";

/** The command `settings`. */
export function settingsCommand(): Command {
  return new Command("settings")
    .description("Shows the settings, or changes those that are given.")
    .addOption(
      new Option("--read-receipts <choice>", "whether others learn that you read their messages").choices([
        "on",
        "off",
      ]),
    )
    .addHelpText("after", examples("sotto settings", "sotto settings --read-receipts off"))
    .action(async (options: { readonly readReceipts?: "on" | "off" }, command: Command) => {
      const context = contextOf(command);
      await withSession(context, { connect: false }, async ({ messenger }) => {
        if (options.readReceipts !== undefined) {
          await messenger.updateSettings({ readReceipts: options.readReceipts === "on" });
        }
        const { readReceipts } = await messenger.settings();
        if (context.json) await printJson(context.io, { read_receipts: readReceipts });
        else await printLine(context.io, `read receipts: ${readReceipts ? "on" : "off"}`);
      });
    });
}
