/** `sotto settings`: what a person may choose. */
import { Command, Option } from "commander";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { sanitiseLine } from "@sotto/client/readable";
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
    .option("--name <name>", "what those you write to see beside your number; '' for nothing")
    .addHelpText(
      "after",
      examples("sotto settings", "sotto settings --read-receipts off", 'sotto settings --name "Ann"'),
    )
    .action(
      async (options: { readonly readReceipts?: "on" | "off"; readonly name?: string }, command: Command) => {
        const context = contextOf(command);
        await withSession(context, { connect: false }, async ({ messenger }) => {
          if (options.readReceipts !== undefined) {
            await messenger.updateSettings({ readReceipts: options.readReceipts === "on" });
          }
          // Told with the next connection.
          if (options.name !== undefined) await messenger.updateProfile({ name: options.name.trim() });
          const { readReceipts } = await messenger.settings();
          const { name } = await messenger.profile();
          if (context.json) return printJson(context.io, { read_receipts: readReceipts, name });
          await printLine(context.io, `read receipts: ${readReceipts ? "on" : "off"}`);
          await printLine(context.io, `name: ${name === "" ? "none" : sanitiseLine(name)}`);
        });
      },
    );
}
