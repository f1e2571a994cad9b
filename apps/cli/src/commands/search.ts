/** `sotto search`: messages with certain words, from the history that is stored here. */
import { Command, InvalidArgumentError } from "commander";
import type { Messenger, SearchHit, SearchOptions, SearchPage } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { Failure, usageFailure } from "../errors.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { formatDay, historyRow, sanitiseLine } from "@sotto/client/readable";
import { examples, parseCount } from "../options.ts";
import { forRecipient, recipientOf } from "../recipient.ts";
import { withSession } from "../session.ts";
import { formatHit } from "../view.ts";

interface Options {
  readonly in?: string;
  readonly from?: string;
  readonly since?: number;
  readonly until?: number;
  readonly attachments?: true;
  readonly limit?: number;
}

const defaultLimit = 20;
const lookAgainMs = 100;

/** The command `search`. */
export function searchCommand(): Command {
  return new Command("search")
    .description(
      "Finds messages with all of these words, the newest first. The last word may be a beginning.",
    )
    .argument("[words...]", "what to look for, whatever its case and accents; may be left out with an option")
    .option("--in <conversation>", "only in this conversation: a contact, or a group's name or id")
    .option("--from <person>", "only what this person sent; 'me': what you sent")
    .option("--since <day>", "only from this day on: 2026-11-23, or 2026-11-23T18:00", parseTime)
    .option("--until <day>", "only before the end of this day, or before this time", parseEnd)
    .option("--attachments", "only messages with attachments")
    .option("--limit <n>", `at most so many; ${defaultLimit} unless you say more`, parseCount)
    .addHelpText(
      "after",
      examples(
        "sotto search lunch noon",
        'sotto search chapter --in "Book club" --since 2026-11-01',
        "sotto search --attachments --from +15551230002 --json",
      ),
    )
    .action((words: readonly string[], options: Options, command: Command) =>
      search(contextOf(command), words.join(" "), options),
    );
}

async function search(context: Context, query: string, options: Options): Promise<void> {
  const { in: within, from, limit = defaultLimit, ...filters } = options;
  const isFiltered = Object.keys(options).some((name) => name !== "limit");
  if (query.trim() === "" && !isFiltered) {
    throw usageFailure("there is nothing to look for", "give a word, or an option such as --attachments.");
  }
  const where = within === undefined ? undefined : recipientOf(context, within);
  await withSession(context, { connect: false }, async ({ messenger }) => {
    const who = from === "me" ? messenger.self.identifier : from;
    const asked: SearchOptions = {
      ...filters,
      limit,
      ...(where !== undefined && { in: where }),
      ...(who !== undefined && { from: recipientOf(context, who) }),
    };
    const page = await forRecipient(where ?? who ?? "", () => whenReady(context, messenger, query, asked));
    for (const hit of page.hits) await print(context, hit);
    if (context.json) return;
    if (page.hits.length === 0) await remark(context.io, "Nothing was found.");
    else if (page.next !== undefined)
      await remark(context.io, "There is more: give --limit a larger number.");
  });
}

/** The index is made first where there is none. */
async function whenReady(
  context: Context,
  messenger: Messenger,
  query: string,
  options: SearchOptions,
): Promise<SearchPage> {
  for (let told = false; ; told = true) {
    const page = await messenger.search(query, options);
    if (page.index === "ready") return page;
    if (page.index === "damaged") {
      throw new Failure(
        "vault_damaged",
        "the history holds a message that does not open, so that it cannot be searched",
        "see 'sotto doctor'.",
      );
    }
    if (!told) await remark(context.io, "Making the index of your messages …");
    await new Promise((later) => setTimeout(later, lookAgainMs));
    context.signal.throwIfAborted();
  }
}

async function print({ io, json }: Context, { message, snippet, highlights }: SearchHit): Promise<void> {
  if (json) return printJson(io, { ...historyRow(message, false), snippet, highlights });
  const conversation = sanitiseLine(message.conversation);
  return printLine(io, formatHit(message, conversation, snippet));
}

/** Seconds of a day's beginning, or of a time, where this machine is. */
function parseTime(text: string): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text);
  // A day alone would be taken for UTC.
  const atMs = isDay || isTime ? new Date(isDay ? `${text}T00:00` : text).getTime() : Number.NaN;
  // February has no 30th, though Date lets it pass.
  if (!Number.isFinite(atMs) || formatDay(atMs / 1000) !== text.slice(0, 10)) {
    throw new InvalidArgumentError(
      "It must be a day such as 2026-11-23, or a time such as 2026-11-23T18:00.",
    );
  }
  return Math.floor(atMs / 1000);
}

function parseEnd(text: string): number {
  const from = parseTime(text);
  if (text.includes("T")) return from;
  const next = new Date(from * 1000);
  next.setDate(next.getDate() + 1);
  return Math.floor(next.getTime() / 1000);
}
