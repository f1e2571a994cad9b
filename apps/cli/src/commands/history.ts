/** `sotto history`: a conversation as it is stored here, after a short look at the server for news of its states. */
import { Command } from "commander";
import { contextOf } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { formatMessage, historyRow, sanitiseLine, wholeHistory } from "@sotto/client/readable";
import { examples, parseCount } from "../options.ts";
import { forRecipient, recipientOf } from "../recipient.ts";
import { refresh, withSession } from "../session.ts";

interface HistoryOptions {
  readonly raw?: boolean;
  readonly ids?: boolean;
  readonly offline?: boolean;
  readonly limit?: number;
}

/** The command `history`. */
export function historyCommand(): Command {
  return new Command("history")
    .description("Prints a conversation, oldest first, with the state of each message.")
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .option("--limit <n>", "only the newest n messages", parseCount)
    .option("--ids", "print how each message's id begins: for react, edit, delete, save and send --reply-to")
    .option("--raw", "with --json: add each classic message as it travelled, encrypted and signed")
    .option("--offline", "do not ask the server for news first")
    .addHelpText(
      "after",
      examples(
        "sotto history +15551230002",
        "sotto history +15551230002 --ids --limit 5",
        "sotto history +15551230002 --json --raw",
      ),
    )
    .action(async (peer: string, options: HistoryOptions, command: Command) => {
      const context = contextOf(command);
      const who = recipientOf(context, peer);
      await withSession(context, { connect: options.offline !== true }, async (session) => {
        if (options.offline !== true) await refresh(context, session);
        const messages = await forRecipient(who, () => wholeHistory(session.messenger, who, options.limit));
        for (const message of messages) {
          if (context.json) await printJson(context.io, historyRow(message, options.raw === true));
          else await printLine(context.io, formatMessage(message, { id: options.ids === true }));
        }
        if (messages.length === 0 && !context.json) {
          await remark(context.io, `No messages in the conversation with ${sanitiseLine(who)} yet.`);
        }
      });
    });
}
