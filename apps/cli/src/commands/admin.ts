/** `sotto admin`: what the operator of a server asks of its data folder. */
import { Command } from "commander";
import { sanitiseLine } from "@sotto/client/readable";
import { formatFingerprint, formatInvite } from "@sotto/protocol";
import {
  checkData,
  readAdminLog,
  reachableOrigin,
  readFingerprint,
  readStatus,
  type ServerConfig,
} from "@sotto/server";
import { noteSubcommands } from "../admin-audit.ts";
import { configOf, withData, withDatabase } from "../admin-options.ts";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { alignRows } from "../io/table.ts";
import { renderQr } from "../io/qr.ts";
import { examples } from "../options.ts";
import { backupCommand, restoreCommand, verifyCommand } from "./admin-backup.ts";
import { migrateCommand } from "./admin-migrate.ts";

/** The command. */
export function adminCommand(): Command {
  return noteSubcommands(new Command("admin"))
    .description(
      "Looks after a server's data. The server may run meanwhile, except for check without --database.",
    )
    .addCommand(statusCommand())
    .addCommand(fingerprintCommand())
    .addCommand(inviteCommand())
    .addCommand(checkCommand())
    .addCommand(backupCommand())
    .addCommand(verifyCommand())
    .addCommand(restoreCommand())
    .addCommand(migrateCommand())
    .addCommand(auditCommand())
    .addHelpText(
      "after",
      examples("sotto admin status", "sotto admin invite --origin https://chat.example.org"),
    );
}

function statusCommand(): Command {
  return withDatabase(new Command("status"))
    .description("Says how much the server holds.")
    .option("--json", "one JSON object, for scripts")
    .addHelpText("after", examples("sotto admin status --data /var/lib/sotto"))
    .action(async (options: { json?: boolean }, command: Command) => {
      const { io } = contextOf(command);
      const { fingerprint, ...status } = await readStatus(configOf(command));
      const { path, running, accounts, devices, logs, entries, bytesOnDisk, blobs, blobBytes } = status;
      if (options.json === true) {
        const counts = { accounts, devices, logs, entries, bytes_on_disk: bytesOnDisk };
        const stored = { blobs, blob_bytes: blobBytes };
        await printJson(io, {
          data: path,
          fingerprint: formatFingerprint(fingerprint),
          running,
          ...counts,
          ...stored,
        });
        return;
      }
      const lines = [
        `Data folder: ${path}`,
        `Server: ${running ? "running" : "stopped"}`,
        `Key fingerprint: ${formatFingerprint(fingerprint)}`,
        `Accounts: ${accounts} (${devices} devices in use)`,
        `Logs: ${logs}, entries waiting: ${entries}`,
        `Attachments: ${blobs} (${(blobBytes / 1_048_576).toFixed(1)} MiB)`,
        `Database on disk: ${(bytesOnDisk / 1_048_576).toFixed(1)} MiB`,
      ];
      await printLine(io, lines.join("\n"));
    });
}

function fingerprintCommand(): Command {
  return withData(new Command("fingerprint"))
    .description("Prints the fingerprint of the server's key, to be compared or given as --server-key.")
    .addHelpText("after", examples("sotto admin fingerprint"))
    .action(async (_options: unknown, command: Command) => {
      const fingerprint = await readFingerprint(configOf(command).data);
      await printLine(contextOf(command).io, formatFingerprint(fingerprint));
    });
}

function inviteCommand(): Command {
  return withData(new Command("invite"))
    .description("Prints the invite link, and its QR code on a terminal.")
    .option("--origin <url>", "how clients reach the server (default: the address that serve listens on)")
    .addHelpText("after", examples("sotto admin invite --origin https://chat.example.org"))
    .action(async (_options: unknown, command: Command) => {
      const { io } = contextOf(command);
      const config = configOf(command);
      const invite = formatInvite(originOf(config), await readFingerprint(config.data));
      await printLine(io, invite);
      if (io.stdout.isTTY === true) await printLine(io, renderQr(invite));
    });
}

function checkCommand(): Command {
  return withDatabase(new Command("check"))
    .description(
      "Reads the whole data folder, every page of the database too, and changes nothing. In PostgreSQL it reads every row.",
    )
    .addHelpText("after", examples("sotto admin check --data /var/lib/sotto"))
    .action(async (_options: unknown, command: Command) => {
      const config = configOf(command);
      await checkData(config);
      const what =
        config.database === undefined ? "The data folder is whole." : "Data folder and database are whole.";
      await printLine(contextOf(command).io, what);
    });
}

function auditCommand(): Command {
  return withData(new Command("audit"))
    .description("Prints who ran which admin command on this data folder, and when.")
    .option("--json", "the log as it is, a JSON object a line")
    .addHelpText("after", examples("sotto admin audit --data /var/lib/sotto"))
    .action(async (options: { json?: boolean }, command: Command) => {
      const { io } = contextOf(command);
      const records = readAdminLog(configOf(command).data);
      if (options.json === true) {
        for (const record of records) await printLine(io, JSON.stringify(record));
      } else if (records.length === 0) await printLine(io, "Nothing is noted yet.");
      else {
        const rows = records.map(({ at, user, sudo, command: name, options: given, step }) => [
          at,
          sudo === undefined ? user : `${user} (${sudo})`,
          step,
          [name, ...given].join(" "),
        ]);
        await printLine(io, alignRows(rows.map((row) => row.map((cell) => sanitiseLine(cell)))).join("\n"));
      }
    });
}

function originOf({ origin, host, port, tlsCert }: ServerConfig): string {
  return origin ?? reachableOrigin(tlsCert === undefined ? "http" : "https", host, port);
}
