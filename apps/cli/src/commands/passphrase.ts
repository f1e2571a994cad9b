/** `sotto passphrase`: wraps the vault's key anew. The data itself stays as it is. */
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { examples } from "../options.ts";
import { currentPassphrase, newPassphrase } from "../passphrases.ts";
import { withSession } from "../session.ts";

/** The command `passphrase`. */
export function passphraseCommand(): Command {
  const command = new Command("passphrase")
    .description("Changes the passphrase that protects this device.")
    .addHelpText("after", examples("sotto passphrase change"));
  command
    .command("change", { isDefault: true })
    .description(
      "Asks for the passphrase and for a new one (scripts: SOTTO_PASSPHRASE and SOTTO_NEW_PASSPHRASE).",
    )
    .addHelpText("after", examples("sotto passphrase change"))
    .action((_options: object, command: Command) => change(contextOf(command)));
  return command;
}

async function change(context: Context): Promise<void> {
  const current = await currentPassphrase(context);
  await withSession(context, { connect: false, passphrase: current }, async ({ messenger }) => {
    await messenger.changePassphrase(current, await newPassphrase(context, "SOTTO_NEW_PASSPHRASE"));
  });
  if (context.json) await printJson(context.io, { type: "passphrase_changed" });
  else await printLine(context.io, "The passphrase is changed.");
}
