/**
 * `sotto group invite, links, revoke, requests, approve, refuse, join`: links by which people ask to be let into a group, and what admins do
 * about those who ask. A link lets nobody in by itself.
 */
import type { Command } from "commander";
import type { AskedJoin, GroupLink } from "@sotto/client";
import { formatDay, formatTime, sanitiseLine } from "@sotto/client/readable";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { renderQr } from "../io/qr.ts";
import { alignRows } from "../io/table.ts";
import { examples, parseCount, parsePeer } from "../options.ts";
import { refresh, unlessAborted, withSession } from "../session.ts";

import { addPictureCommand } from "./group-picture.ts";
import { applyTo, carryOut, change, groupCommand, type ChangeOptions } from "./group.ts";

interface InviteOptions extends ChangeOptions {
  readonly days: number;
  readonly qr?: boolean;
}
interface JoinOptions extends ChangeOptions {
  readonly forget?: string;
}

const daySec = 86_400;

/** The command `group` with what has to do with links. */
export function withLinkCommands(): Command {
  const group = groupCommand();
  addPictureCommand(group);
  change(group.command("invite"))
    .description("Makes a link by which people ask to be let in. It lets nobody in: an admin approves.")
    .argument("<name>", "name or id of the group")
    .option("--days <count>", "how long it is good, at most 90", parseCount, 7)
    .option("--qr", "show it as a QR code as well")
    .addHelpText(
      "after",
      examples('sotto group invite "Book club"', 'sotto group invite "Book club" --days 1 --qr'),
    )
    .action((name: string, options: InviteOptions, command: Command) =>
      invite(contextOf(command), name, options),
    );
  group
    .command("links")
    .description("Lists the links of a group that are good now.")
    .argument("<name>", "name or id of the group")
    .addHelpText("after", examples('sotto group links "Book club"'))
    .action((name: string, _options: object, command: Command) => links(contextOf(command), name));
  change(group.command("revoke"))
    .description("Takes a link back; whoever asked by it is told.")
    .argument("<name>", "name or id of the group")
    .argument("<link-id>", "how its id begins, as links shows it")
    .addHelpText("after", examples('sotto group revoke "Book club" 5f0c91aa'))
    .action((name: string, id: string, options: ChangeOptions, command: Command) =>
      revoke(contextOf(command), name, id, options),
    );
  group
    .command("requests")
    .description("Lists who asks to be let into a group, or into any of yours.")
    .argument("[name]", "name or id of the group")
    .addHelpText("after", examples("sotto group requests", 'sotto group requests "Book club"'))
    .action((name: string | undefined, _options: object, command: Command) =>
      requests(contextOf(command), name),
    );
  change(group.command("approve"))
    .description("Lets somebody in who asks. Compare safety numbers first if it matters ('sotto verify').")
    .argument("<name>", "name or id of the group")
    .argument("<person>", "phone number, e-mail address or account id")
    .addHelpText("after", examples('sotto group approve "Book club" +15551230004'))
    .action((name: string, person: string, options: ChangeOptions, command: Command) => {
      const peer = parsePeer(person);
      return applyTo(contextOf(command), name, options, (messenger) => messenger.approveJoin(name, peer));
    });
  change(group.command("refuse"))
    .description(
      "Does not let somebody in who asks. They are told; what they ask again within a day is dropped.",
    )
    .argument("<name>", "name or id of the group")
    .argument("<person>", "phone number, e-mail address or account id")
    .addHelpText("after", examples('sotto group refuse "Book club" +15551230004'))
    .action((name: string, person: string, options: ChangeOptions, command: Command) => {
      const peer = parsePeer(person);
      return applyTo(contextOf(command), name, options, (messenger) => messenger.refuseJoin(name, peer));
    });
  change(group.command("join"))
    .description("Asks to be let into a group by its link; without one, lists where you asked.")
    .argument("[link]", "the link, between quotes")
    .option("--forget <id>", "take one off that list; whoever was asked is not told")
    .addHelpText(
      "after",
      examples("sotto group join 'http://127.0.0.1:8787/#/join/ChCq…'", "sotto group join"),
    )
    .action((link: string | undefined, options: JoinOptions, command: Command) =>
      join(contextOf(command), link, options),
    );
  return group;
}

async function invite(context: Context, name: string, options: InviteOptions): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    let made: GroupLink | undefined;
    await carryOut(context, session, options, async () => {
      made = await session.messenger.createGroupLink(name, options.days * daySec);
    });
    if (made === undefined) return;
    if (context.json) return printLink(context, made);
    await printLine(context.io, made.link);
    if (options.qr === true) await printLine(context.io, renderQr(made.link));
    await remark(
      context.io,
      `Good until ${until(made.expiresAt)}. Whoever has it can ask; 'sotto group requests' shows who does.`,
    );
  });
}

async function links(context: Context, name: string): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    const found = await session.messenger.groupLinks(name);
    for (const one of found) await printLink(context, one);
    if (found.length === 0 && !context.json)
      await remark(context.io, "No links that you can hand out. 'sotto group invite NAME' makes one.");
  });
}

async function printLink({ io, json }: Context, { id, link, expiresAt }: GroupLink): Promise<void> {
  if (json) return printJson(io, { id, link, expires_at: expiresAt });
  await printLine(io, `${id.slice(0, 8)}  until ${until(expiresAt)}  ${link}`);
}

async function revoke(context: Context, name: string, id: string, options: ChangeOptions): Promise<void> {
  await applyTo(context, name, options, async (messenger) => {
    const found = (await messenger.groupLinks(name)).filter((one) => one.id.startsWith(id.toLowerCase()));
    if (found.length !== 1 || found[0] === undefined)
      throw usageFailure("that group has no such link, or several", "'sotto group links NAME' shows them.");
    await messenger.revokeGroupLink(name, found[0].id);
  });
}

async function requests(context: Context, name: string | undefined): Promise<void> {
  const { io, json } = context;
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    const asking = await session.messenger.joinRequests(name);
    if (json) {
      for (const { group, groupId, identifier, name: called, accountId, verified, askedAt } of asking) {
        await printJson(io, {
          group,
          group_id: groupId,
          identifier,
          name: called,
          account_id: accountId,
          verified,
          asked_at: askedAt,
        });
      }
      return;
    }
    const rows = asking.map((one) => [
      sanitiseLine(one.group),
      sanitiseLine(one.identifier),
      one.name === "" ? "" : `“${sanitiseLine(one.name)}”`,
      one.verified ? "verified" : "not verified",
      until(one.askedAt),
    ]);
    for (const row of alignRows(rows)) await printLine(io, row);
    if (asking.length === 0) await remark(io, "Nobody asks to be let in.");
  });
}

async function join(context: Context, link: string | undefined, options: JoinOptions): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    if (options.forget !== undefined) {
      const found = (await messenger.askedJoins()).find(({ id }) => id.startsWith(options.forget ?? ""));
      if (found !== undefined) await messenger.forgetJoin(found.id);
    }
    await refresh(context, session);
    const asked =
      link === undefined
        ? await messenger.askedJoins()
        : [await unlessAborted(messenger.askToJoin(link), context.signal)];
    for (const one of asked) await printAsked(context, one);
    if (asked.length === 0 && !context.json) await remark(context.io, "You wait to be let into no group.");
  });
}

const states: Readonly<Record<AskedJoin["state"], string>> = {
  waiting: "waits for an admin",
  refused: "an admin did not let you in",
  closed: "the link is good no more",
  member: "you are in it",
};

async function printAsked({ io, json }: Context, asked: AskedJoin): Promise<void> {
  const { id, group, groupId, askedAt, expiresAt, state } = asked;
  if (json) {
    return printJson(io, {
      id,
      group,
      ...(groupId !== undefined && { group_id: groupId }),
      state,
      asked_at: askedAt,
      expires_at: expiresAt,
    });
  }
  await printLine(io, `${sanitiseLine(group)}  ${states[state]}  ${id.slice(0, 8)}`);
}

const until = (sec: number): string => `${formatDay(sec)} ${formatTime(sec)}`;
