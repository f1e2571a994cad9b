/**
 * `sotto receive`: takes in what the server holds, prints each message once, and sends receipts. A message counts as shown
 * when it was written out: after a crash in between it is printed again rather than lost.
 */
import { Command } from "commander";
import type { ConversationSummary, Message } from "@sotto/client";
import type { ErrorCode } from "@sotto/protocol";
import { Saver } from "../attachments/saving.ts";
import { withUploads } from "../attachments/sending.ts";
import { contextOf, type Context } from "../context.ts";
import { Failure } from "../errors.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { formatMessage, sanitiseLine } from "@sotto/client/readable";
import { examples, parseSeconds } from "../options.ts";
import { timeoutFailure, withSession, type Session } from "../session.ts";
import { messageLine } from "../view.ts";

/** How long to wait for the server when --wait does not say. */
const catchUpTimeoutSec = 10;
/** How long to wait for receipts to reach the server; the next connection sends those left. */
const flushTimeoutSec = 10;

interface ReceiveOptions {
  readonly wait?: number;
  readonly save?: string;
}

/** The command `receive`. */
export function receiveCommand(): Command {
  return new Command("receive")
    .description("Prints messages that were not shown before, and sends receipts for them.")
    .option("--save <folder>", "save attachments there, under names that overwrite nothing")
    .option("--wait <seconds>", "stay for so long and print what comes", parseSeconds)
    .addHelpText(
      "after",
      examples("sotto receive", "sotto receive --save ~/Downloads", "sotto receive --json --wait 60"),
    )
    .action(async (options: ReceiveOptions, command: Command) => {
      const context = contextOf(command);
      await withSession(context, { connect: true }, (session) => receive(context, session, options));
    });
}

async function receive(
  context: Context,
  session: Session,
  { wait: waitSec, save }: ReceiveOptions,
): Promise<void> {
  const { messenger } = session;
  const saver = save === undefined ? undefined : await Saver.into(context, session, save);
  const printer = new Printer(context, saver);
  const startedMs = Date.now();
  const caughtUp = await session.within(waitSec ?? catchUpTimeoutSec, (signal) =>
    messenger.caughtUp({ signal }),
  );
  await printNew(context, session, printer);
  if (!caughtUp) throw timeoutFailure(session, "new messages could not be fetched");
  if (waitSec !== undefined) {
    const leftSec = Math.max(0, waitSec - (Date.now() - startedMs) / 1000);
    await session.within(leftSec, async (signal) => {
      for await (const message of messenger.messages({ signal })) await printer.print(message);
      signal.throwIfAborted();
    });
    await printNew(context, session, printer);
  }
  if (!context.json) await remarkRequests(context, await messenger.conversations());
  // Files that were left on their way go on, too.
  await session.within(flushTimeoutSec, (signal, alive) =>
    withUploads(context, messenger, { alive }, () => messenger.flushed({ signal })),
  );
  await printer.end();
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
async function printNew(context: Context, session: Session, printer: Printer): Promise<void> {
  const { messenger } = session;
  const conversations = await messenger.conversations();
  let left = conversations.reduce((sum, { unread, request }) => sum + unread + (request?.unread ?? 0), 0);
  if (left === 0) return;
  const enough = new AbortController();
  const signal = AbortSignal.any([context.signal, enough.signal]);
  for await (const message of messenger.messages({ signal })) {
    await printer.print(message);
    // Asking for the next one, which ends the loop, marks this one as shown.
    if (--left === 0) enough.abort();
  }
  context.signal.throwIfAborted();
}

/** Prints messages, and saves what came with them. */
class Printer {
  readonly #context: Context;
  readonly #saver: Saver | undefined;
  /** Attachments that were not to be saved. */
  #left = 0;
  readonly #problems: ErrorCode[] = [];

  constructor(context: Context, saver: Saver | undefined) {
    this.#context = context;
    this.#saver = saver;
  }

  async print(message: Message): Promise<void> {
    const { io, json } = this.#context;
    if (!json) await printLine(io, formatMessage(message));
    const saved = (await this.#saver?.saveAll(message)) ?? [];
    for (const { path, problem } of saved) {
      if (problem !== undefined) this.#problems.push(problem);
      else if (!json) await printLine(io, `    saved: ${sanitiseLine(path)}`);
    }
    this.#left += (message.attachments?.length ?? 0) - saved.length;
    if (json) await printJson(io, messageLine(message, saved));
  }

  /** @throws Failure when a file was to be saved and was not. */
  async end(): Promise<void> {
    const how = "'sotto save PEER ID FOLDER' does; 'sotto history PEER --ids' shows the id.";
    const [problem] = this.#problems;
    if (problem !== undefined) {
      const details = { not_saved: this.#problems.length };
      throw new Failure(problem, `${attachments(this.#problems.length)} not saved`, how, { details });
    }
    if (this.#left === 0 || this.#context.json) return;
    await remark(this.#context.io, `(${attachments(this.#left)} not saved: ${how})`);
  }
}

const attachments = (count: number): string =>
  count === 1 ? "1 attachment was" : `${count} attachments were`;
