/** `sotto recover`: an account comes back on a new device, with its recovery key, when every other device is lost. */
import { Command } from "commander";
import { contextOf, requireFreshHome, type Context } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import {
  checkCodeFlags,
  chooseIdentifier,
  requestOnly,
  requireCode,
  withCode,
  withIdentityOptions,
  type IdentityFlags,
} from "../one-time-code.ts";
import { examples } from "../options.ts";
import { newPassphrase } from "../passphrases.ts";
import { askRecoveryKey } from "../recovery-key.ts";
import { chooseServer } from "../server-choice.ts";
import { deviceName } from "../this-device.ts";
import { accountMembers } from "../view.ts";

interface RecoverFlags extends IdentityFlags {
  readonly name?: string;
}

/** The command `recover`. */
export function recoverCommand(): Command {
  return withIdentityOptions(new Command("recover"))
    .description(
      "Brings your account back with its recovery key when all of its devices are lost; those are revoked. " +
        "Your identity and contacts come back, with whom you verified; messages do not.",
    )
    .option("--name <name>", "what you call this device (default: the machine's name)")
    .addHelpText(
      "after",
      `${examples(
        "sotto recover --server 'sotto://chat.example.org/#FINGERPRINT' --phone +15551230001",
        "sotto recover --server http://127.0.0.1:8787 --phone +15551230001 --request-only",
        "sotto recover --server http://127.0.0.1:8787 --phone +15551230001 --code 123456",
      )}

The recovery key is asked for, or read from SOTTO_RECOVERY_KEY; never an argument: others could see it.
With a device left, use 'sotto devices link' instead: that brings the history too.`,
    )
    .action(async (flags: RecoverFlags, command: Command) => void (await recover(contextOf(command), flags)));
}

/** Brings an account back. @returns the passphrase that was chosen, or undefined where only a code was asked for. */
export async function recover(context: Context, flags: RecoverFlags = {}): Promise<string | undefined> {
  checkCodeFlags(flags);
  requireFreshHome(context);
  const name = deviceName(flags.name);
  const identifier = await chooseIdentifier(context, flags);
  const choice = await chooseServer(context, flags);
  if (flags.requestOnly === true) {
    await requestOnly(context, choice, identifier, true);
    return undefined;
  }
  requireCode(context, flags);
  const recoveryKey = await askRecoveryKey(context);
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const { recover } = await import("@sotto/client/node");
  const { home } = context;
  const about = { ...choice, home, identifier, passphrase, recoveryKey, deviceName: name };
  const self = await withCode(context, flags.code, identifier, (code) => recover({ ...about, code }));
  if (context.json) {
    await printJson(context.io, { type: "recovered", ...accountMembers(self, context.home) });
    return passphrase;
  }
  await printLine(context.io, `${self.identifier} is back, in ${context.home}.`);
  await remark(
    context.io,
    "Your other devices are revoked, and contacts see no new identity. The recovery key stays the same. " +
      "Groups come back as their members meet this device. If somebody may know your recovery key or has one of " +
      "the lost devices, go on with: sotto keys rotate --identity",
  );
  return passphrase;
}
