/** `sotto backup`: everything of this account in one file, encrypted under a passphrase of its own. */
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { privateFileSink } from "../io/private-file.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { statusLine } from "../io/progress.ts";
import { examples } from "../options.ts";
import { newPassphrase } from "../passphrases.ts";
import { refresh, withSession } from "../session.ts";

interface BackupFlags {
  readonly offline?: boolean;
}

/** The command `backup`. */
export function backupCommand(): Command {
  return new Command("backup")
    .description(
      "Writes your account, contacts and the whole history into a file, encrypted under a passphrase that you choose for it. " +
        "Files that came with messages are not in it: the server gives them for as long as it keeps them.",
    )
    .argument("<file>", "where to; only you may read it, and an older one of that name is replaced")
    .option("--offline", "do not ask the server for news first")
    .addHelpText(
      "after",
      `${examples("sotto backup sotto-2026-11.backup")}

The passphrase is asked for twice, or read from SOTTO_BACKUP_PASSPHRASE. Whoever has it and the file can read all that
is in it, and has your identity key. 'sotto restore' makes a device out of it.`,
    )
    .action((file: string, flags: BackupFlags, command: Command) => backup(contextOf(command), file, flags));
}

async function backup(context: Context, file: string, flags: BackupFlags): Promise<void> {
  await withSession(context, { connect: flags.offline !== true }, async (session) => {
    if (flags.offline !== true) await refresh(context, session);
    if (!context.json) await remark(context.io, "This passphrase opens the file, and nothing else does.");
    const passphrase = await newPassphrase(context, "SOTTO_BACKUP_PASSPHRASE");
    const status = statusLine(context.io, context.json);
    const { messages } = await session.messenger.backup(passphrase, privateFileSink(file), {
      onProgress: (done) => status.show(`${done} messages`),
    });
    status.clear();
    if (context.json) return await printJson(context.io, { type: "backed_up", file, messages });
    await printLine(
      context.io,
      `${messages} message${messages === 1 ? "" : "s"} and your account are in ${file}.`,
    );
    await remark(context.io, "Keep it away from this device, and the passphrase away from it.");
  });
}
