/**
 * `sotto devices approve`: lets a new device into the account. A code can be part of a fraud, so what asks is shown first,
 * and it takes two deliberate steps: a yes, and a word; or --confirm in a script.
 */
import { Command } from "commander";
import type { LinkRequest } from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import { contextOf, type Context } from "../context.ts";
import { Failure, usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { statusLine } from "../io/progress.ts";
import { ask, confirm } from "../io/prompt.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { alignRows } from "../io/table.ts";
import { examples, parseSeconds } from "../options.ts";
import { unlessAborted, withSession, type Session } from "../session.ts";
import { approvalWarning, approvalWord, requestRows } from "../link-request.ts";

interface ApproveFlags {
  readonly confirm?: boolean;
  readonly timeout: number;
}

/** How often to look whether the new device has everything. */
const lookEveryMs = 250;

/** The command `devices approve`. */
export function approveCommand(): Command {
  return new Command("approve")
    .summary("let a new device of yours in, by the code on its screen")
    .description(
      "Shows what asks to be linked under a code, and lets it in after two deliberate steps. Approve only what is in front of you.",
    )
    .argument("<code>", "the code on the new device's screen")
    .option("--confirm", "let it in without asking (for scripts)")
    .option("--timeout <seconds>", "how long to stay and hand over groups and history", parseSeconds, 120)
    .addHelpText("after", examples("sotto devices approve ABCD-EFGH-JKMN-PQRS"))
    .action((code: string, flags: ApproveFlags, command: Command) =>
      approve(contextOf(command), code, flags),
    );
}

async function approve(context: Context, code: string, flags: ApproveFlags): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    const request = await unlessAborted(messenger.linkRequest(code), context.signal).catch(explainCode);
    await showRequest(context, request);
    if (flags.confirm !== true) await askTwice(context);
    await unlessAborted(messenger.approveLink(code), context.signal);
    if (!context.json) await printLine(context.io, `${named(request)} is now a device of your account.`);
    const complete = await handOver(context, session, flags.timeout);
    if (context.json) {
      await printJson(context.io, { type: "approved", code: request.code, name: request.name, complete });
    } else if (complete) {
      await printLine(context.io, "Contacts, groups and history are handed over.");
    } else {
      await remark(
        context.io,
        "Not everything is handed over yet. The rest goes by itself while this device is online ('sotto chat').",
      );
    }
  });
}

function explainCode(error: unknown): never {
  if (!(error instanceof SottoError) || error.code !== "usage") throw error;
  const next = "type it as the new device's screen shows it, such as ABCD-EFGH-JKMN-PQRS.";
  throw new Failure("usage", error.message, next, { cause: error });
}

const named = ({ name }: LinkRequest): string => (name === "" ? "The new device" : sanitiseLine(name));

async function showRequest(context: Context, request: LinkRequest): Promise<void> {
  const { io } = context;
  if (context.json) {
    const { code, name, platform, address, askedAt } = request;
    await printJson(io, { type: "link_request", code, name, platform, address, asked_at: askedAt });
    return;
  }
  await printLine(io, "This device asks to be linked to your account:");
  for (const row of alignRows(requestRows(request, Date.now() / 1000))) await printLine(io, `  ${row}`);
  await remark(io, `\n${approvalWarning}\n`);
}

async function askTwice(context: Context): Promise<void> {
  if (!canAsk(context.io)) {
    throw usageFailure(
      "letting a device in needs a person, and there is no terminal to ask at",
      "look at what asks, then give --confirm.",
    );
  }
  const sure =
    (await confirm(context.io, "Is it in front of you, and do you read this code on its screen?")) &&
    (await ask(context.io, `To let it in, type the word ${approvalWord}:`)).toLowerCase() === approvalWord;
  if (!sure) {
    throw usageFailure("nothing was linked", "run the command again when you are sure; the code works on.");
  }
}

/** Stays until the new device is in the groups and its history is on the server. @returns whether it got that far in time. */
async function handOver(context: Context, session: Session, timeoutSec: number): Promise<boolean> {
  const { messenger } = session;
  const line = statusLine(context.io, context.json);
  line.show("Handing over contacts, groups and history \u2026");
  try {
    return await session.within(timeoutSec, async (signal) => {
      while ((await messenger.doctor()).linking > 0) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
      await messenger.flushed({ signal });
    });
  } finally {
    line.clear();
  }
}
