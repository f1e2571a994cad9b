/** `sotto devices revoke`: takes a lost device off the account and out of its groups. It cannot be taken back. */
import { Command, Option } from "commander";
import type { DeviceSummary } from "@sotto/client";
import { parseId } from "@sotto/protocol";
import { contextOf, type Context } from "../context.ts";
import { deviceTitle, printDevices } from "../device-rows.ts";
import { Failure, usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { examples, parseSeconds } from "../options.ts";
import { unlessAborted, withSession } from "../session.ts";

interface RevokeFlags {
  readonly yes?: boolean;
  readonly confirm?: boolean;
  readonly timeout: number;
}

/** A prefix shorter than this says too little. */
const shortestPrefix = 4;

/** The command `devices revoke`. */
export function revokeCommand(): Command {
  return new Command("revoke")
    .summary("take a lost device off the account")
    .description(
      "Takes a device off the account and out of every group: it reads and writes nothing more. This cannot be taken back.",
    )
    .argument("<device>", "its id, the beginning of the id, or its name; see 'sotto devices'")
    .option("--yes", "do not ask; a whole id needs no question in a script")
    .addOption(new Option("--confirm", "the same as --yes").hideHelp())
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 60)
    .addHelpText("after", examples("sotto devices revoke 3f9a", 'sotto devices revoke "old laptop"'))
    .action((device: string, flags: RevokeFlags, command: Command) =>
      revoke(contextOf(command), device, flags),
    );
}

async function revoke(context: Context, text: string, flags: RevokeFlags): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    // What other devices changed meanwhile counts.
    await session.within(flags.timeout, (signal) => messenger.caughtUp({ signal }), { firstTryOnly: true });
    const device = findDevice(await messenger.devices(), text);
    if (device.revoked) {
      await remark(context.io, "That device was revoked before: nothing to do.");
    } else {
      if (flags.yes !== true && flags.confirm !== true) await askFirst(context, device, text);
      await unlessAborted(messenger.revokeDevice(device.id), context.signal);
      // The groups follow; what does not work now is done by whichever device comes first.
      await session.within(flags.timeout, (signal) => messenger.flushed({ signal }));
    }
    const after = (await messenger.devices()).filter(({ id }) => id === device.id);
    if (context.json) return await printDevices(context, after);
    await printLine(context.io, `${deviceTitle(device)} is revoked.`);
    await remark(
      context.io,
      "It had the account's identity key. If it may be in other hands, go on with: sotto keys rotate --identity",
    );
  });
}

/** The one device that is meant. @throws Failure `device_unknown`; `usage` when several could be, or it is this one. */
function findDevice(devices: readonly DeviceSummary[], text: string): DeviceSummary {
  const wanted = text.trim().toLowerCase();
  const byId = devices.filter(({ id }) => wanted.length >= shortestPrefix && id.startsWith(wanted));
  const byName = devices.filter(({ name, revoked }) => !revoked && name.toLowerCase() === wanted);
  const [device, ...others] = byId.length > 0 ? byId : byName;
  if (device === undefined) {
    throw new Failure(
      "device_unknown",
      "no device of this account has that id or name",
      "see 'sotto devices' for ids and names.",
    );
  }
  if (others.length > 0) {
    const ids = [device, ...others].map(({ id }) => id).join(", ");
    throw usageFailure(`several devices could be meant: ${ids}`, "give one of these ids.");
  }
  if (device.current) {
    throw usageFailure(
      "a device cannot revoke itself",
      "do it on another device of yours; 'sotto devices' there shows this one.",
    );
  }
  return device;
}

async function askFirst(context: Context, device: DeviceSummary, text: string): Promise<void> {
  if (!canAsk(context.io)) {
    if (parseId(text) !== undefined) return;
    throw usageFailure(
      "revoking a device needs a person, and there is no terminal to ask at",
      `give its whole id (${device.id}), or --yes.`,
    );
  }
  await remark(
    context.io,
    `${deviceTitle(device)} will read and write nothing more. This cannot be taken back.`,
  );
  if (!(await confirm(context.io, "Revoke it?"))) {
    throw usageFailure("nothing was revoked", "run the command again when you are sure.");
  }
}
