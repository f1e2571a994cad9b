/** `sotto conversations`: what there is, and what a person decides about each: pin, archive, mute, accept, delete. */
import { Command, Option } from "commander";
import type { ConversationChanges, ConversationSummary, Messenger } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { alignRows } from "../io/table.ts";
import { examples } from "../options.ts";
import { refresh, withSession } from "../session.ts";

interface SetOptions {
  readonly pinned?: "on" | "off";
  readonly archived?: "on" | "off";
  readonly muted?: "on" | "off";
  readonly unread?: true;
}

/** How long to wait until other devices, or a group, are told. */
const flushTimeoutSec = 10;

/** The command `conversations`. */
export function conversationsCommand(): Command {
  const command = new Command("conversations")
    .description("Lists the conversations, newest first, and says what you decided about each.")
    .addHelpText("after", examples("sotto conversations", "sotto conversations accept +15551230002"))
    .action((_options: object, command: Command) => list(contextOf(command)));
  command
    .command("set")
    .description("Decides about a conversation, on all of your devices.")
    .argument("<conversation>", "a contact, or a group's name or id")
    .addOption(choice("--pinned <choice>", "on top, or not"))
    .addOption(choice("--archived <choice>", "out of sight until a new message comes, or not"))
    .addOption(choice("--muted <choice>", "not to bother you, or to do so again"))
    .option("--unread", "marked as unread until you read it")
    .addHelpText("after", examples('sotto conversations set "Book club" --pinned on --muted on'))
    .action((who: string, options: SetOptions, command: Command) =>
      change(contextOf(command), who, (messenger) => messenger.updateConversation(who, changesOf(options))),
    );
  command
    .command("accept")
    .description("Accepts whoever wrote to you, or added you to a group, without being known to you.")
    .argument("<conversation>", "a contact, or a group's name or id")
    .addHelpText("after", examples("sotto conversations accept +15551230002"))
    .action((who: string, _options: object, command: Command) =>
      change(contextOf(command), who, (messenger) => messenger.acceptRequest(who)),
    );
  command
    .command("decline")
    .description("Deletes what they wrote, and leaves the group. They are not told, and may ask again.")
    .argument("<conversation>", "a contact, or a group's name or id")
    .addHelpText("after", examples("sotto conversations decline +15551230002"))
    .action((who: string, _options: object, command: Command) =>
      change(contextOf(command), who, (messenger) => messenger.deleteRequest(who)),
    );
  command
    .command("delete")
    .description("Deletes a conversation on all of your devices; others keep what they have.")
    .argument("<conversation>", "a contact, or the name or id of a group that you left")
    .option("--yes", "do not ask (for scripts)")
    .addHelpText("after", examples("sotto conversations delete +15551230002"))
    .action((who: string, options: { readonly yes?: boolean }, command: Command) =>
      remove(contextOf(command), who, options.yes === true),
    );
  return command;
}

const choice = (flags: string, what: string): Option => new Option(flags, what).choices(["on", "off"]);

function changesOf({ pinned, archived, muted, unread }: SetOptions): ConversationChanges {
  return {
    ...(pinned !== undefined && { pinned: pinned === "on" }),
    ...(archived !== undefined && { archived: archived === "on" }),
    ...(muted !== undefined && { mutedUntil: muted === "on" ? Number.MAX_SAFE_INTEGER : 0 }),
    ...(unread === true && { markedUnread: true }),
  };
}

async function list(context: Context): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    await print(context, await session.messenger.conversations());
  });
}

async function change(
  context: Context,
  who: string,
  work: (messenger: Messenger) => Promise<void>,
): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    const { messenger } = session;
    await work(messenger);
    await session.within(flushTimeoutSec, (signal) => messenger.flushed({ signal }), { firstTryOnly: true });
    const all = await messenger.conversations();
    await print(
      context,
      all.filter(({ peer, group }) => peer === who || group?.id === who),
    );
  });
}

async function remove(context: Context, who: string, yes: boolean): Promise<void> {
  if (!yes) {
    if (!canAsk(context.io)) {
      throw usageFailure("deleting needs a person, and there is no terminal to ask at", "give --yes.");
    }
    if (!(await confirm(context.io, `Delete everything in the conversation with ${who}?`))) {
      throw usageFailure("nothing was deleted", "run the command again, and answer with y.");
    }
  }
  await change(context, who, (messenger) => messenger.deleteConversation(who));
}

async function print(context: Context, conversations: readonly ConversationSummary[]): Promise<void> {
  const { io, json } = context;
  if (json) {
    for (const one of conversations) await printJson(io, members(one));
    return;
  }
  const rows = conversations.map((one) => [
    sanitiseLine(one.group === undefined ? one.peer : `# ${one.peer}`),
    one.unread === 0 ? "" : `${one.unread} unread`,
    words(one),
  ]);
  for (const row of alignRows(rows)) await printLine(io, row);
  if (conversations.some(({ request }) => request !== undefined)) {
    await remark(io, "A request comes from somebody whom you do not know: accept it, answer it, or decline.");
  }
}

function words({ request, pinned, archived, markedUnread, mutedUntil }: ConversationSummary): string {
  return [
    request === undefined ? "" : `request from ${sanitiseLine(request.from)}`,
    pinned ? "pinned" : "",
    archived ? "archived" : "",
    mutedUntil > 0 ? "muted" : "",
    markedUnread ? "marked unread" : "",
  ]
    .filter((word) => word !== "")
    .join(", ");
}

function members(one: ConversationSummary): object {
  return {
    conversation: one.peer,
    ...(one.group !== undefined && { group_id: one.group.id }),
    unread: one.unread,
    ...(one.request !== undefined && { request_from: one.request.from }),
    pinned: one.pinned,
    archived: one.archived,
    muted_until: one.mutedUntil,
    marked_unread: one.markedUnread,
  };
}
