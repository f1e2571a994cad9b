/**
 * `sotto devices link`: makes this folder a device of an account that is on another one. Shows a code, waits for the other
 * device, says which account it is now, and stays until the history has come. Ctrl+C before the approval leaves nothing.
 */
import { Command } from "commander";
import type { Messenger } from "@sotto/client";
import { contextOf, requireFreshHome, type Context } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { progressBar, statusLine } from "../io/progress.ts";
import { renderQr } from "../io/qr.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { examples, parseSeconds } from "../options.ts";
import { newPassphrase } from "../passphrases.ts";
import { chooseServer } from "../server-choice.ts";
import { unlessAborted, withSession, type Session } from "../session.ts";
import { deviceName, platform } from "../this-device.ts";

interface LinkFlags {
  readonly server?: string;
  readonly serverKey?: string;
  readonly name?: string;
  readonly timeout: number;
}

const patienceSec = 120;

/** The command `devices link`. */
export function linkCommand(): Command {
  return new Command("link")
    .summary("on a new device: join an account that you have")
    .description(
      "Joins an account that you have on another device: shows a code, which that device approves. Contacts, groups and history follow.",
    )
    .option("--server <url>", "invite link (sotto://…) or address (https://…) of the server (SOTTO_SERVER)")
    .option(
      "--server-key <key>",
      "fingerprint of the server's key, or a file with its public key (SOTTO_SERVER_KEY)",
    )
    .option("--name <name>", "what you call this device (default: the machine's name)")
    .option("--timeout <seconds>", "how long to wait for each part of the history", parseSeconds, patienceSec)
    .addHelpText(
      "after",
      examples(
        "sotto devices link --server 'sotto://chat.example.org/#FINGERPRINT' --name laptop",
        "sotto devices approve ABCD-EFGH-JKMN-PQRS    (then, on the device that you have)",
      ),
    )
    .action(async (flags: LinkFlags, command: Command) => void (await link(contextOf(command), flags)));
}

/** Joins an account. @returns the passphrase that was chosen for this device. */
export async function link(context: Context, flags: LinkFlags = { timeout: patienceSec }): Promise<string> {
  requireFreshHome(context);
  const name = deviceName(flags.name);
  const choice = await chooseServer(context, flags);
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const { linkDevice } = await import("@sotto/client/node");
  const self = await linkDevice({
    ...choice,
    home: context.home,
    passphrase,
    deviceName: name,
    platform: platform(),
    signal: context.signal,
    onCode: (shown) => void showCode(context, shown),
  });
  if (!context.json) await tellAccount(context, self);
  await withSession(context, { connect: true, passphrase }, async (session) => {
    const complete = await awaitHistory(context, session, flags.timeout);
    if (context.json) {
      const { identifier, accountId, deviceId, serverOrigin: server } = self;
      const members = { identifier, account_id: accountId, device_id: deviceId, name, server };
      await printJson(context.io, { type: "linked", ...members, history_complete: complete });
    } else if (complete) {
      await printLine(context.io, "The history is here. This device is now equal to your others.");
    } else {
      await remark(
        context.io,
        "The history has not come in full. The rest comes by itself while both devices are online ('sotto chat').",
      );
    }
  });
  return passphrase;
}

async function showCode(context: Context, { code, qr }: { code: string; qr: string }): Promise<void> {
  const { io } = context;
  if (context.json) return await printJson(io, { code, qr });
  if (io.stdout.isTTY === true) await printLine(io, renderQr(qr));
  await printLine(io, `Code: ${code}`);
  await remark(
    io,
    `On a device that you have:\n    sotto devices approve ${code}\nor Ctrl+P in 'sotto chat'. The code works for 10 minutes. ` +
      "Give it to nobody: whoever approves it gets what you write here.\nWaiting \u2026",
  );
}

/** A code could have been approved by somebody else: the person has to see whose account this is now. */
async function tellAccount({ io, home }: Context, self: Messenger["self"]): Promise<void> {
  await printLine(io, `This is now a device of ${sanitiseLine(self.identifier)} at ${self.serverOrigin}.`);
  await remark(
    io,
    `Check that this is YOUR account (its id: ${self.accountId}). If it is not, somebody approved your code ` +
      `to read what you write: delete the folder ${sanitiseLine(home)} and write nothing.`,
  );
}

/** Stays until every part has come. @returns false when none came for `timeoutSec` seconds. */
async function awaitHistory(context: Context, session: Session, timeoutSec: number): Promise<boolean> {
  const line = statusLine(context.io, context.json);
  line.show("History: waiting for the other device \u2026");
  const taken = new Set<number>();
  let parts: number | undefined;
  let arrived = Promise.withResolvers<void>();
  const unsubscribe = session.messenger.subscribe((event) => {
    if (event.type !== "history") return;
    taken.add(event.part);
    ({ parts } = event);
    line.show(`History: ${progressBar(taken.size, parts)}`);
    arrived.resolve();
  });
  const isComplete = (): boolean => parts !== undefined && taken.size >= parts;
  try {
    while (!isComplete()) {
      const { promise } = arrived;
      const inTime = await session.within(timeoutSec, (signal) => unlessAborted(promise, signal));
      if (!inTime) return false;
      arrived = Promise.withResolvers<void>();
    }
    return true;
  } finally {
    unsubscribe();
    line.clear();
  }
}
