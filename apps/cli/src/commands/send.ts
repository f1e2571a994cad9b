/** `sotto send`: stores a message, and waits until the server has it. */
import { Command, Option } from "commander";
import type { Message, Suite } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { Failure, usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine } from "../io/output.ts";
import { ask } from "../io/prompt.ts";
import { readAll } from "../io/read-all.ts";
import { examples, parseSeconds } from "../options.ts";
import { forRecipient, isKnown, recipientOf } from "../recipient.ts";
import { refresh, timeoutFailure, withSession, type Session } from "../session.ts";

interface SendOptions {
  readonly suite?: Suite;
  readonly wait: boolean;
  readonly timeout: number;
}

/** The command `send`. */
export function sendCommand(): Command {
  return new Command("send")
    .description("Sends a message and prints its id once the server has it.")
    .argument("<to>", "phone number, e-mail address or account id; a group's name or id")
    .argument("[text]", "the message; - reads it from standard input (one newline at its end is dropped)")
    .addOption(new Option("--suite <suite>", "how to protect it (default mls)").choices(["classic", "mls"]))
    .option("--no-wait", "only queue it: it goes out with the next connection")
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 30)
    .addHelpText(
      "after",
      examples(
        'sotto send +15551230002 "See you at six"',
        'sotto send "Book club" "Chapter nine by Friday"',
        "git log -1 | sotto send ann@example.org -",
      ),
    )
    .action(async (to: string, text: string | undefined, options: SendOptions, command: Command) => {
      const context = contextOf(command);
      await send(context, recipientOf(context, to), await messageText(context, text), options);
    });
}

async function messageText(context: Context, text: string | undefined): Promise<string> {
  if (text === "-") {
    const body = (await readAll(context.io.stdin)).replace(/\r?\n$/, "");
    if (body === "")
      throw usageFailure("there is no text on standard input", "pipe the message into the command.");
    return body;
  }
  if (text !== undefined) {
    if (text === "") throw usageFailure("the message is empty", "give some text.");
    return text;
  }
  if (!canAsk(context.io)) {
    throw usageFailure("the text is missing", "give it as an argument, or - to read it from standard input.");
  }
  const typed = await ask(context.io, "Message:");
  if (typed === "") throw usageFailure("the message is empty", "give some text.");
  return typed;
}

/** @throws Failure `unavailable` where the message waits until this device is put right, which no patience of ours mends. */
async function tellHealing({ messenger }: Session, { id, conversation }: Message): Promise<void> {
  const { conversations } = await messenger.doctor();
  if (!conversations.some(({ name, state }) => name === conversation && state === "healing")) return;
  throw new Failure(
    "unavailable",
    "the message is queued: this device lost its place in that conversation, and is being put right",
    "it goes out by itself once somebody of that conversation was online ('sotto receive', 'sotto chat'); 'sotto doctor' shows how it stands.",
    { details: { id, status: "queued" } },
  );
}

async function send(context: Context, to: string, body: string, options: SendOptions): Promise<void> {
  await withSession(context, { connect: options.wait }, async (session) => {
    const { messenger } = session;
    // An invitation may wait on the server.
    if (options.wait && !(await isKnown(messenger, to))) await refresh(context, session);
    const message = await forRecipient(to, () =>
      messenger.send(to, body, options.suite && { suite: options.suite }),
    );
    if (options.wait) {
      const sent = await session.within(options.timeout, (signal) =>
        messenger.whenSent(message.id, { signal }),
      );
      if (!sent) {
        await tellHealing(session, message);
        throw timeoutFailure(session, "the message is queued, but the server does not have it yet", {
          id: message.id,
          status: "queued",
        });
      }
    }
    const status = options.wait ? "sent" : "queued";
    if (context.json) {
      await printJson(context.io, {
        type: "sent",
        id: message.id,
        to: message.to,
        suite: message.suite,
        status,
      });
    } else {
      await printLine(context.io, message.id);
    }
  });
}
