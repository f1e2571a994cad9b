/** `sotto admin backup`, `verify` and `restore`: a server in one file, whatever database it has. */
import { Command } from "commander";
import {
  backUp,
  restore,
  verifyBackup,
  verifyLiving,
  type ArchiveSummary,
  type ArchiveTrust,
  type DataSummary,
} from "@sotto/server";
import { configOf, withDatabase } from "../admin-options.ts";
import { contextOf, type Context } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { examples } from "../options.ts";
import { givenPassphrase, newPassphrase } from "../passphrases.ts";

const variable = "SOTTO_BACKUP_PASSPHRASE";

interface Flags {
  readonly json?: boolean;
  readonly unencrypted?: boolean;
}

const unencrypted = "a backup that is not encrypted will do: nobody else could write to where it lay";
const json = (command: Command): Command => command.option("--json", "one JSON object, for scripts");

/** The command `admin backup`. */
export function backupCommand(): Command {
  return json(withDatabase(new Command("backup")))
    .description(
      "Writes the whole server into a new file, encrypted under a passphrase, while the server runs.",
    )
    .argument("<file>", "where to; only you may read it, and nothing is written over")
    .option("--unencrypted", "no passphrase: whoever can read the file can pose as your server")
    .addHelpText(
      "after",
      `${examples("sotto admin backup /backup/sotto-2026-11-28.backup")}

The passphrase is asked for twice, or read from ${variable}. Without it nobody can restore the file.`,
    )
    .action(async (file: string, flags: Flags, command: Command) => {
      const context = contextOf(command);
      const plain = flags.unencrypted === true;
      const summary = await backUp(
        configOf(command),
        file,
        plain ? undefined : () => newPassphrase(context, variable, "the backup"),
      );
      await told(context, flags, summary, `${contents(summary)} are in ${file}.`, { file });
      if (plain)
        await remark(
          context.io,
          "It is not encrypted, and holds your server's private keys: guard it like them.",
        );
    });
}

/** The command `admin verify`. */
export function verifyCommand(): Command {
  return json(withDatabase(new Command("verify")))
    .description(
      "Reads a backup, or without one the server's own data while it runs, and proves that all of it fits together.",
    )
    .argument("[file]", "a backup")
    .option("--unencrypted", unencrypted)
    .addHelpText(
      "after",
      examples("sotto admin verify /backup/sotto-2026-11-28.backup", "sotto admin verify"),
    )
    .action(async (file: string | undefined, flags: Flags, command: Command) => {
      const context = contextOf(command);
      if (file === undefined) {
        const summary = await verifyLiving(configOf(command));
        return told(context, flags, summary, `The data is whole: ${contents(summary)}.`, {});
      }
      const summary = await verifyBackup(file, trustOf(context, flags));
      await told(context, flags, summary, `The backup of ${summary.madeAt} is whole: ${contents(summary)}.`, {
        file,
      });
    });
}

/** The command `admin restore`. */
export function restoreCommand(): Command {
  return json(withDatabase(new Command("restore")))
    .description(
      "Makes a server's data of a backup, in a folder where nothing is; with --database in an empty database.",
    )
    .argument("<file>", "a backup of either kind of database")
    .option("--unencrypted", unencrypted)
    .addHelpText(
      "after",
      `${examples("sotto admin restore sotto-2026-11-28.backup --data /var/lib/sotto")}

The whole backup is read first: of a damaged one nothing is restored. What was stored after it was made is lost.`,
    )
    .action(async (file: string, flags: Flags, command: Command) => {
      const context = contextOf(command);
      const { data, database } = configOf(command);
      const summary = await restore(file, { data, database }, trustOf(context, flags));
      await told(
        context,
        flags,
        summary,
        `${contents(summary)} are restored to ${data}, as of ${summary.madeAt}.`,
        { file, data },
      );
    });
}

const trustOf = (context: Context, flags: Flags): ArchiveTrust => ({
  askPassphrase: () => givenPassphrase(context, variable, "Passphrase of the backup:"),
  allowUnencrypted: flags.unencrypted === true,
});

const contents = ({ counts, blobs }: DataSummary): string =>
  `${counts.accounts.rows} accounts, ${counts.logs.rows} logs with ${counts.entries.rows} entries and ${blobs} attachments`;

async function told(
  { io }: Context,
  flags: Flags,
  summary: ArchiveSummary | DataSummary,
  line: string,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  if (flags.json !== true) return printLine(io, line);
  const { blobs, blobBytes, counts } = summary;
  const made = "madeAt" in summary && { made_at: summary.madeAt, encrypted: summary.encrypted };
  await printJson(io, { ...more, ...made, blobs, blob_bytes: blobBytes, tables: counts });
}
