/** `sotto save`: fetches the attachments of a message into a folder. */
import { Command } from "commander";
import { attachmentRow, sanitiseLine } from "@sotto/client/readable";
import { Saver } from "../attachments/saving.ts";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, printLine } from "../io/output.ts";
import { messageIdOf } from "../message-id.ts";
import { examples, parseCount, parseSeconds } from "../options.ts";
import { forRecipient, recipientOf } from "../recipient.ts";
import { withSession } from "../session.ts";

interface SaveOptions {
  readonly only?: number;
  readonly timeout: number;
}

interface Where {
  readonly peer: string;
  readonly id: string;
  readonly folder: string;
}

/** The command `save`. */
export function saveCommand(): Command {
  return new Command("save")
    .description(
      "Fetches the attachments of a message into a folder, and prints where they lie. Nothing is overwritten.",
    )
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .argument("<id>", "the message's id, or how it begins: 'sotto history PEER --ids' shows it")
    .argument("[folder]", "where to; made if it is not there", ".")
    .option("--only <n>", "only the nth of them, counted from 1", parseCount)
    .option("--timeout <seconds>", "how long the server may give nothing", parseSeconds, 30)
    .addHelpText(
      "after",
      examples("sotto save +15551230002 91749c93 ~/Downloads", "sotto save Climbing 91749c93 --only 2"),
    )
    .action(async (peer: string, id: string, folder: string, options: SaveOptions, command: Command) => {
      const context = contextOf(command);
      await save(context, { peer: recipientOf(context, peer), id, folder }, options);
    });
}

async function save(context: Context, { peer, id, folder }: Where, options: SaveOptions): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    const message = await forRecipient(peer, async () =>
      messenger.message(peer, await messageIdOf(messenger, peer, id)),
    );
    const { attachments = [] } = message;
    const wanted = options.only === undefined ? [...attachments.keys()] : [options.only - 1];
    if (attachments.length === 0) {
      throw usageFailure(
        "that message has no attachments",
        "'sotto history PEER --ids' shows which has some.",
      );
    }
    const saver = await Saver.into(context, session, folder, options.timeout);
    for (const index of wanted) {
      const attachment = attachments[index];
      if (attachment === undefined) {
        throw usageFailure(
          `that message has ${attachments.length} of them`,
          `give --only a number up to ${attachments.length}.`,
        );
      }
      const path = await saver.save(message, index);
      const row = { type: "saved", id: message.id, attachment: attachmentRow(attachment), path };
      await (context.json ? printJson(context.io, row) : printLine(context.io, sanitiseLine(path)));
    }
  });
}
