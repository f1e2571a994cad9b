/** `sotto restore`: a new device out of a backup file. A one-time code proves that the number or address is still its owner's. */
import { Command } from "commander";
import { parseIdentifier } from "@sotto/protocol";
import { contextOf, requireFreshHome, type Context } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { checkCodeFlags, requestOnly, requireCode, withCode } from "../one-time-code.ts";
import { examples } from "../options.ts";
import { givenPassphrase, newPassphrase } from "../passphrases.ts";
import { deviceName } from "../this-device.ts";
import { accountMembers } from "../view.ts";
import { formatDay } from "@sotto/client/readable";

interface RestoreFlags {
  readonly server?: string;
  readonly code?: string;
  readonly requestOnly?: boolean;
  readonly name?: string;
  readonly othersLost?: boolean;
}

/** The command `restore`. */
export function restoreCommand(): Command {
  return new Command("restore")
    .description(
      "Makes this folder a device of your account, with everything that a backup file holds. " +
        "Groups come back as their members meet this device.",
    )
    .argument("<file>", "what 'sotto backup' or the web app wrote")
    .option("--server <url>", "where the server is now, if it moved; its key must be the same")
    .option("--code <digits>", "the one-time code, if you have it; - reads it from standard input")
    .option("--request-only", "only have the code sent; a later call gives it with --code")
    .option("--name <name>", "what you call this device (default: the machine's name)")
    .option("--others-lost", "your other devices are lost: they are taken off the account")
    .addHelpText(
      "after",
      `${examples(
        "sotto restore sotto-2026-11.backup",
        "sotto restore sotto-2026-11.backup --others-lost --name laptop",
        "sotto restore sotto-2026-11.backup --request-only",
      )}

The backup's passphrase is asked for, or read from SOTTO_BACKUP_PASSPHRASE; then one for this device (SOTTO_PASSPHRASE).`,
    )
    .action((file: string, flags: RestoreFlags, command: Command) =>
      restoreFile(contextOf(command), file, flags),
    );
}

async function restoreFile(context: Context, path: string, flags: RestoreFlags): Promise<void> {
  checkCodeFlags(flags);
  requireFreshHome(context);
  const name = deviceName(flags.name);
  const { fileSource, inspectBackup, restore } = await import("@sotto/client/node");
  const file = await fileSource(path);
  const backupPassphrase = await givenPassphrase(
    context,
    "SOTTO_BACKUP_PASSPHRASE",
    "The backup's passphrase:",
  );
  const info = await inspectBackup({ file, passphrase: backupPassphrase });
  const identifier = parseIdentifier(info.identifier);
  const server = flags.server ?? info.serverOrigin;
  const about = `A backup of ${identifier} at ${info.serverOrigin}, made on ${formatDay(info.madeAt)}: ${info.messages} messages.`;
  if (!context.json) await remark(context.io, about);
  if (flags.requestOnly === true) {
    return await requestOnly(context, { server, serverKey: info.serverFingerprint }, identifier, true);
  }
  requireCode(context, flags);
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const given = { home: context.home, file, backupPassphrase, server, passphrase, deviceName: name };
  const othersLost = flags.othersLost === true;
  const self = await withCode(context, flags.code, identifier, (code) =>
    restore({ ...given, othersLost, code }),
  );
  if (context.json) {
    return await printJson(context.io, { type: "restored", ...accountMembers(self, context.home) });
  }
  await printLine(context.io, `${self.identifier} is back, in ${context.home}.`);
  await remark(
    context.io,
    othersLost
      ? "Your other devices are revoked. If somebody may have one of them, go on with: sotto keys rotate --identity"
      : "Your other devices stay as they are; 'sotto devices' shows them. Groups come back as their members meet this device.",
  );
}
