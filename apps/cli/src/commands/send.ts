/** `sotto send`: stores a message, and waits until the server has it. */
import { Command, Option } from "commander";
import type { Message, Suite } from "@sotto/client";
import { filesAt, remarkMetadata, withUploads } from "../attachments/sending.ts";
import { attachmentRow } from "@sotto/client/readable";
import { contextOf, type Context } from "../context.ts";
import { parseTimer } from "../duration.ts";
import { Failure } from "../errors.ts";
import { printJson, printLine } from "../io/output.ts";
import { messageIdOf } from "../message-id.ts";
import { messageText } from "../message-text.ts";
import { examples, parseSeconds } from "../options.ts";
import { forRecipient, isKnown, recipientOf } from "../recipient.ts";
import { refresh, timeoutFailure, withSession, type Session } from "../session.ts";

interface SendOptions {
  readonly suite?: Suite;
  readonly file?: readonly string[];
  readonly keepMetadata?: boolean;
  readonly replyTo?: string;
  readonly expire?: number;
  readonly wait: boolean;
  readonly timeout: number;
}

/** The command `send`. */
export function sendCommand(): Command {
  return new Command("send")
    .description("Sends a message and prints its id once the server has it.")
    .argument("<to>", "phone number, e-mail address or account id; a group's name or id")
    .argument(
      "[text]",
      "the message, which may be left out beside a file; - reads it from standard input (one newline at its end is dropped)",
    )
    .addOption(new Option("--suite <suite>", "how to protect it (default mls)").choices(["classic", "mls"]))
    .option(
      "--file <path>",
      "a file to send along; may be given up to ten times",
      (path: string, before: readonly string[] = []) => [...before, path],
    )
    .option("--keep-metadata", "leave in pictures what they tell of place, time and camera")
    .option("--reply-to <id>", "answer a message: its id, or how it begins")
    .option(
      "--expire <duration>",
      "how long after it was read it is kept: 30s, 5m, 1h, 7d; or off",
      parseTimer,
    )
    .option("--no-wait", "only queue it: it goes out with the next connection")
    .option("--timeout <seconds>", "how long to wait for the server to go on", parseSeconds, 30)
    .addHelpText(
      "after",
      examples(
        'sotto send +15551230002 "See you at six"',
        'sotto send "Book club" "Chapter nine by Friday"',
        'sotto send +15551230002 "From today" --file photo.jpg --file plan.pdf',
        'sotto send +15551230002 "Which one?" --reply-to 91749c93',
        "git log -1 | sotto send ann@example.org -",
      ),
    )
    .action(async (to: string, text: string | undefined, options: SendOptions, command: Command) => {
      const context = contextOf(command);
      const body = await messageText(context, text, options.file === undefined);
      await send(context, recipientOf(context, to), body, options);
    });
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
  const attachments = await filesAt(options.file ?? [], options.keepMetadata === true);
  await withSession(context, { connect: options.wait }, async (session) => {
    const { messenger } = session;
    // An invitation may wait on the server.
    if (options.wait && !(await isKnown(messenger, to))) await refresh(context, session);
    const message = await forRecipient(to, async () =>
      messenger.send(to, body, {
        ...(attachments.length > 0 && { attachments }),
        ...(options.suite !== undefined && { suite: options.suite }),
        ...(options.expire !== undefined && { expiresAfter: options.expire }),
        ...(options.replyTo !== undefined && {
          replyTo: await messageIdOf(messenger, to, options.replyTo),
        }),
      }),
    );
    await remarkMetadata(context, message);
    if (options.wait) {
      const sent = await session.within(options.timeout, (signal, alive) =>
        withUploads(context, messenger, { alive, message }, () => messenger.whenSent(message.id, { signal })),
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
        ...(message.attachments !== undefined && { attachments: message.attachments.map(attachmentRow) }),
      });
    } else {
      await printLine(context.io, message.id);
    }
  });
}
