/** `sotto account`: the end of an account. It cannot be taken back, so it takes the passphrase and the identifier, typed. */
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { ask } from "../io/prompt.ts";
import { examples } from "../options.ts";
import { currentPassphrase } from "../passphrases.ts";
import { unlessAborted, withSession } from "../session.ts";

interface DeleteFlags {
  readonly confirm?: string;
}

/** The command `account`. */
export function accountCommand(): Command {
  const command = new Command("account")
    .description("Deletes this account, on the server and on this device.")
    .addHelpText("after", examples("sotto account delete"));
  command
    .command("delete")
    .summary("delete the account for good")
    .description(
      "Leaves your groups, deletes the files that you sent and everything that the server has of this account, and then all that is stored " +
        "here. What others received stays with them. Nothing brings the account back; its number or address can register anew.",
    )
    .option("--confirm <identifier>", "its number or address, for scripts: nothing is asked then")
    .addHelpText(
      "after",
      `${examples("sotto account delete", "sotto account delete --confirm +15551230001")}

Other devices of the account show that it is gone, and keep what they have until their folders are removed.
To give up this device alone, use 'sotto devices revoke' on another one. 'sotto export' keeps a readable copy.`,
    )
    .action((flags: DeleteFlags, command: Command) => deleteAccount(contextOf(command), flags));
  return command;
}

async function deleteAccount(context: Context, flags: DeleteFlags): Promise<void> {
  if (flags.confirm === undefined && !canAsk(context.io)) {
    throw usageFailure(
      "deleting an account needs a person, and there is no terminal to ask at",
      "give its number or address with --confirm.",
    );
  }
  const passphrase = await currentPassphrase(context);
  await withSession(context, { connect: true, passphrase, ownListener: true }, async ({ messenger }) => {
    const { identifier } = messenger.self;
    if (flags.confirm === undefined) await tellWhatGoes(context, identifier);
    const typed = flags.confirm ?? (await ask(context.io, "Type its number or address to delete it:"));
    if (typed.trim() !== identifier) {
      throw usageFailure(
        "that is not this account's number or address; nothing was deleted",
        "run it again.",
      );
    }
    await unlessAborted(messenger.deleteAccount(passphrase), context.signal);
    if (context.json) return await printJson(context.io, { type: "account_deleted", identifier });
    await printLine(context.io, `${identifier} is deleted, on the server and in ${context.home}.`);
  });
}

async function tellWhatGoes(context: Context, identifier: string): Promise<void> {
  await remark(
    context.io,
    `This deletes the account ${identifier}: its devices, groups, files, and every message in ${context.home}. ` +
      "The recovery key opens nothing any more. This cannot be taken back.",
  );
}
