/**
 * `sotto register`: makes an account on a server. The server must have the key that the person knows beforehand; without
 * one, the terminal shows the key it got and asks, and scripts may trust it only on this very machine. The recovery key is
 * shown once, at the end.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
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
import { showRecoveryKey } from "../recovery-key.ts";
import { chooseServer } from "../server-choice.ts";
import { deviceName } from "../this-device.ts";
import { accountMembers } from "../view.ts";

interface RegisterFlags extends IdentityFlags {
  readonly name?: string;
}

/** The command `register`. */
export function registerCommand(): Command {
  return withIdentityOptions(new Command("register"))
    .description(
      "Makes an account on a server; the server sends a one-time code to prove the number or address.",
    )
    .option("--name <name>", "what you call this device (default: the machine's name)")
    .addHelpText(
      "after",
      examples(
        "sotto register --server 'sotto://chat.example.org/#FINGERPRINT' --phone +15551230001",
        "sotto register --server http://127.0.0.1:8787 --phone +15551230001 --request-only",
        "sotto register --server http://127.0.0.1:8787 --phone +15551230001 --code 123456",
      ),
    )
    .action(async (flags: RegisterFlags, command: Command) => {
      const context = contextOf(command);
      await register(context, flags);
    });
}

/** Makes an account. @returns the passphrase that was chosen, or undefined where only a code was asked for. */
export async function register(context: Context, flags: RegisterFlags = {}): Promise<string | undefined> {
  checkCodeFlags(flags);
  const name = deviceName(flags.name);
  const identifier = await chooseIdentifier(context, flags);
  const choice = await chooseServer(context, flags);
  if (flags.requestOnly === true) {
    await requestOnly(context, choice, identifier, false);
    return undefined;
  }
  requireCode(context, flags);
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const { register } = await import("@sotto/client/node");
  let recoveryKey: string | undefined;
  const onRecoveryKey = (text: string): void => {
    recoveryKey = text;
  };
  const about = { ...choice, home: context.home, identifier, passphrase, deviceName: name, onRecoveryKey };
  const registering = withCode(context, flags.code, identifier, (code) => register({ ...about, code }));
  const self = await registering.catch(async (error: unknown) => {
    // Cut off, with keys that may be the account's already: a next try goes on with them, and no longer has this one.
    const isKept = existsSync(join(context.home, "vault.key"));
    if (recoveryKey !== undefined && isKept) await tellRecoveryKey(context, recoveryKey);
    throw error;
  });
  if (context.json) {
    const members = accountMembers(self, context.home);
    await printJson(context.io, {
      type: "registered",
      ...members,
      ...(recoveryKey === undefined ? {} : { recovery_key: recoveryKey }),
    });
    return passphrase;
  }
  await printLine(context.io, `Registered ${self.identifier} at ${self.serverOrigin}.`);
  if (recoveryKey === undefined) {
    await remark(context.io, "Its recovery key is the one that the first try showed.");
  } else {
    await showRecoveryKey(context, recoveryKey);
  }
  // Somebody else, whoever tries the examples.
  const other = self.identifier === "+15551230002" ? "+15551230001" : "+15551230002";
  await remark(
    context.io,
    `Your account is in ${context.home}. Next: sotto send ${other} "Hello", or sotto chat.`,
  );
  return passphrase;
}

async function tellRecoveryKey(context: Context, recoveryKey: string): Promise<void> {
  if (!context.json) return await showRecoveryKey(context, recoveryKey);
  await printJson(context.io, { type: "recovery_key", recovery_key: recoveryKey });
}
