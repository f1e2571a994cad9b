/**
 * `sotto receive`: takes in what the server holds, prints each message once, and sends receipts. A message counts as shown
 * when it was written out: after a crash in between it is printed again rather than lost.
 */
import { Command } from "commander";
import type { ConversationSummary, Message } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { sanitiseLine } from "../io/sanitise.ts";
import { examples, parseSeconds } from "../options.ts";
import { timeoutFailure, withSession, type Session } from "../session.ts";
import { formatMessage, messageLine } from "../view.ts";

/** How long to wait for the server when --wait does not say. */
const catchUpTimeoutSec = 10;
/** How long to wait for receipts to reach the server; the next connection sends those left. */
const flushTimeoutSec = 10;

/** The command `receive`. */
export function receiveCommand(): Command {
  return new Command("receive")
    .description("Prints messages that were not shown before, and sends receipts for them.")
    .option("--wait <seconds>", "stay for so long and print what comes", parseSeconds)
    .addHelpText("after", examples("sotto receive", "sotto receive --json --wait 60"))
    .action(async (options: { readonly wait?: number }, command: Command) => {
      const context = contextOf(command);
      await withSession(context, { connect: true }, (session) => receive(context, session, options.wait));
    });
}

async function receive(context: Context, session: Session, waitSec: number | undefined): Promise<void> {
  const { messenger } = session;
  const startedMs = Date.now();
  const caughtUp = await session.within(waitSec ?? catchUpTimeoutSec, (signal) =>
    messenger.caughtUp({ signal }),
  );
  await printNew(context, session);
  if (!caughtUp) throw timeoutFailure(session, "new messages could not be fetched");
  if (waitSec !== undefined) {
    const leftSec = Math.max(0, waitSec - (Date.now() - startedMs) / 1000);
    await session.within(leftSec, async (signal) => {
      for await (const message of messenger.messages({ signal })) await print(context, message);
      signal.throwIfAborted();
    });
    await printNew(context, session);
  }
  if (!context.json) await remarkRequests(context, await messenger.conversations());
  await session.within(flushTimeoutSec, (signal) => messenger.flushed({ signal }));
}

/** Says what came from people whom nobody here knows. */
async function remarkRequests({ io }: Context, conversations: readonly ConversationSummary[]): Promise<void> {
  for (const { peer, group, request } of conversations) {
    if (request === undefined) continue;
    const from = sanitiseLine(request.from);
    const what =
      group === undefined ? `${from} is not known to you` : `${from} added you to ${sanitiseLine(peer)}`;
    const how = `'sotto conversations accept "${sanitiseLine(peer)}"'`;
    await remark(io, `(${what}, and learns nothing of you until you answer, or accept it: ${how})`);
  }
}

/** Prints what is stored here and was not shown; returns without waiting for more. */
async function printNew(context: Context, session: Session): Promise<void> {
  const { messenger } = session;
  const conversations = await messenger.conversations();
  let left = conversations.reduce((sum, { unread, request }) => sum + unread + (request?.unread ?? 0), 0);
  if (left === 0) return;
  const enough = new AbortController();
  const signal = AbortSignal.any([context.signal, enough.signal]);
  for await (const message of messenger.messages({ signal })) {
    await print(context, message);
    // Asking for the next one, which ends the loop, marks this one as shown.
    if (--left === 0) enough.abort();
  }
  context.signal.throwIfAborted();
}

async function print(context: Context, message: Message): Promise<void> {
  if (context.json) await printJson(context.io, messageLine(message));
  else await printLine(context.io, formatMessage(message));
}
