/**
 * `sotto reset`: begins anew under a number or address when every device and the recovery key are lost. It takes a delay in
 * which the old devices can object, and every contact sees that the account is another.
 */
import { Command } from "commander";
import type { ServerChoice } from "@sotto/client";
import type { Identifier } from "@sotto/protocol";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
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
import { unlessAborted, withSession } from "../session.ts";
import { deviceName } from "../this-device.ts";
import { formatDay, formatTime } from "@sotto/client/readable";

interface ResetFlags extends IdentityFlags {
  readonly name?: string;
  readonly yes?: boolean;
  readonly cancel?: boolean;
}

/** The command `reset`. */
export function resetCommand(): Command {
  return withIdentityOptions(new Command("reset"))
    .description(
      "The last resort, when all devices and the recovery key are lost: a new account under your number or address. " +
        "The first call begins a delay; the same call after it, with a new code, ends it. Every contact sees it.",
    )
    .option("--name <name>", "what you call this device (default: the machine's name)")
    .option("--yes", "do not ask (for scripts)")
    .option("--cancel", "on a device of the account: stop a reset that somebody else began")
    .addHelpText(
      "after",
      examples(
        "sotto reset --server 'sotto://chat.example.org/#FINGERPRINT' --phone +15551230001",
        "sotto reset --cancel",
      ),
    )
    .action(async (flags: ResetFlags, command: Command) => {
      const context = contextOf(command);
      await (flags.cancel === true ? cancel(context) : reset(context, flags));
    });
}

async function reset(context: Context, flags: ResetFlags): Promise<void> {
  checkCodeFlags(flags);
  const name = deviceName(flags.name);
  const identifier = await chooseIdentifier(context, flags);
  const choice = await chooseServer(context, flags);
  if (flags.requestOnly === true) return await requestOnly(context, choice, identifier, true);
  requireCode(context, flags);
  if (flags.yes !== true) await askFirst(context);
  await carryOut(context, flags, { choice, identifier, name });
}

async function carryOut(
  context: Context,
  flags: ResetFlags,
  chosen: { readonly choice: ServerChoice; readonly identifier: Identifier; readonly name: string },
): Promise<void> {
  const { choice, identifier, name } = chosen;
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const { reset } = await import("@sotto/client/node");
  let recoveryKey: string | undefined;
  const onRecoveryKey = (text: string): void => {
    recoveryKey = text;
  };
  const about = { ...choice, home: context.home, identifier, passphrase, deviceName: name, onRecoveryKey };
  const { done, resetAt, lapsesAt } = await withCode(context, flags.code, identifier, (code) =>
    reset({ ...about, code }),
  );
  if (context.json) {
    const times = { reset_at: resetAt, lapses_at: lapsesAt };
    const key = recoveryKey === undefined ? {} : { recovery_key: recoveryKey };
    await printJson(context.io, { type: "reset", identifier, done, ...times, home: context.home, ...key });
    return;
  }
  if (recoveryKey !== undefined) await showRecoveryKey(context, recoveryKey);
  if (done) {
    await printLine(context.io, `${identifier} leads to the new account in ${context.home}.`);
    await remark(context.io, "Contacts see that your identity changed: compare numbers with them again.");
    return;
  }
  await printLine(
    context.io,
    `Begun. Run the same command again between ${when(resetAt)} and ${when(lapsesAt)}.`,
  );
  await remark(
    context.io,
    `Keep ${context.home} and its passphrase. Until then, a device of the old account can stop it.`,
  );
}

const when = (seconds: number): string => `${formatDay(seconds)} ${formatTime(seconds)}`;

async function askFirst(context: Context): Promise<void> {
  if (!canAsk(context.io)) {
    throw usageFailure("a reset needs a person, and there is no terminal to ask at", "give --yes.");
  }
  await remark(
    context.io,
    "A reset gives up your old account: its messages, groups and contacts. With a device left use 'sotto devices link', " +
      "with the recovery key 'sotto recover'.",
  );
  if (!(await confirm(context.io, "Begin anew?"))) {
    throw usageFailure("nothing was reset", "run the command again when you are sure.");
  }
}

async function cancel(context: Context): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    await session.within(connectTimeoutSec, (signal) => messenger.caughtUp({ signal }));
    const pending = messenger.resetPending() !== undefined;
    if (pending) await unlessAborted(messenger.cancelReset(), context.signal);
    if (context.json) return await printJson(context.io, { type: "reset_cancelled", was_pending: pending });
    await printLine(context.io, pending ? "The reset is stopped." : "Nobody asked to reset this account.");
    if (pending) {
      await remark(
        context.io,
        "Whoever began it can receive codes for your number or address: find out how.",
      );
    }
  });
}

const connectTimeoutSec = 20;
