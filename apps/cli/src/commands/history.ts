/** `sotto history`: a conversation as it is stored here, after a short look at the server for news of its states. */
import { Command } from "commander";
import type { Message, Messenger } from "@sotto/client";
import { contextOf } from "../context.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { sanitiseLine } from "../io/sanitise.ts";
import { examples, parseCount } from "../options.ts";
import { forRecipient, recipientOf } from "../recipient.ts";
import { refresh, withSession } from "../session.ts";
import { formatMessage, historyRow } from "../view.ts";

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

const pageSize = 500;

/** All messages of a conversation (a peer, or a group's name or id), or the newest `limit`, oldest first. */
export async function wholeHistory(
  messenger: Messenger,
  peer: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let missing = limit;
  let before: string | undefined;
  while (missing > 0) {
    const size = Math.min(pageSize, missing);
    const page = await messenger.history(peer, { limit: size, ...(before === undefined ? {} : { before }) });
    pages.push(page);
    missing -= page.length;
    before = page[0]?.id;
    if (page.length < size) break;
  }
  return pages.reverse().flat();
}
