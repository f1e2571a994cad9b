/**
 * `sotto group`: makes groups and changes who is in them. A command ends when the server has the change; one that could
 * not be made for want of a connection stays stored, and goes out with the next one.
 */
import { Command } from "commander";
import type { Group, GroupMember, Messenger } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { alignRows, counted } from "../io/table.ts";
import { examples, parsePeer, parseSeconds } from "../options.ts";
import { refresh, timeoutFailure, unlessAborted, withSession, type Session } from "../session.ts";

/** How long to wait until messages that go with a change (invitations) reached the server. */
const flushTimeoutSec = 10;
/** How long storing a change may take when the server is away. */
const offlineTimeoutSec = 3;

/** How long a change may take. */
export interface ChangeOptions {
  readonly timeout: number;
}
interface AdminOptions extends ChangeOptions {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** The command `group`. */
export function groupCommand(): Command {
  const command = new Command("group")
    .description("Makes and changes groups. A group's name or id works wherever a contact's number does.")
    .addHelpText(
      "after",
      examples(
        'sotto group create "Book club" +15551230002 ann@example.org',
        'sotto send "Book club" "Chapter nine by Friday"',
      ),
    );
  command
    .command("list")
    .description("Lists the groups of this account.")
    .addHelpText("after", examples("sotto group list", "sotto group list --json"))
    .action((_options: object, command: Command) => list(contextOf(command)));
  change(command.command("create"))
    .description("Makes a group of you, its admin, and others.")
    .argument("<name>", "what to call it")
    .argument("<member...>", "phone numbers, e-mail addresses or account ids")
    .addHelpText("after", examples('sotto group create "Book club" +15551230002 ann@example.org'))
    .action((name: string, members: readonly string[], options: ChangeOptions, command: Command) => {
      const people = members.map(parsePeer);
      return apply(contextOf(command), options, async (messenger) => {
        return (await messenger.createGroup(name.trim(), people)).id;
      });
    });
  change(command.command("add"))
    .description("Adds people; they read what is written from then on.")
    .argument("<name>", "name or id of the group")
    .argument("<member...>", "phone numbers, e-mail addresses or account ids")
    .addHelpText("after", examples('sotto group add "Book club" +15551230003'))
    .action((name: string, members: readonly string[], options: ChangeOptions, command: Command) => {
      const people = members.map(parsePeer);
      return applyTo(contextOf(command), name, options, (messenger) => messenger.addToGroup(name, people));
    });
  change(command.command("remove"))
    .description("Removes people; they read nothing that is written from then on.")
    .argument("<name>", "name or id of the group")
    .argument("<member...>", "phone numbers, e-mail addresses or account ids")
    .addHelpText("after", examples('sotto group remove "Book club" +15551230003'))
    .action((name: string, members: readonly string[], options: ChangeOptions, command: Command) => {
      const people = members.map(parsePeer);
      return applyTo(contextOf(command), name, options, (messenger) =>
        messenger.removeFromGroup(name, people),
      );
    });
  change(command.command("rename"))
    .description("Gives a group another name, for everybody in it.")
    .argument("<name>", "name or id of the group")
    .argument("<new>", "the new name")
    .addHelpText("after", examples('sotto group rename "Book club" "Film club"'))
    .action((name: string, next: string, options: ChangeOptions, command: Command) =>
      applyTo(contextOf(command), name, options, (messenger) => messenger.renameGroup(name, next.trim())),
    );
  change(command.command("admins"))
    .description("Lists who may change the group, or changes that.")
    .argument("<name>", "name or id of the group")
    .option("--add <member...>", "make them admins")
    .option("--remove <member...>", "make them ordinary members again")
    .addHelpText(
      "after",
      examples('sotto group admins "Book club"', 'sotto group admins "Book club" --add +15551230002'),
    )
    .action((name: string, options: AdminOptions, command: Command) =>
      admins(contextOf(command), name, options),
    );
  command
    .command("members")
    .description("Lists who is in a group, and whom of them you verified.")
    .argument("<name>", "name or id of the group")
    .option("--offline", "do not ask the server for news first")
    .addHelpText("after", examples('sotto group members "Book club"'))
    .action((name: string, options: { readonly offline?: boolean }, command: Command) =>
      members(contextOf(command), name, options.offline === true),
    );
  change(command.command("leave"))
    .description("Leaves a group. What was written stays here; you read nothing more of it.")
    .argument("<name>", "name or id of the group")
    .addHelpText("after", examples('sotto group leave "Book club"'))
    .action((name: string, options: ChangeOptions, command: Command) =>
      applyTo(contextOf(command), name, options, (messenger) => messenger.leaveGroup(name)),
    );
  return command;
}

/** Gives a command the option to wait for the server. */
export const change = (command: Command): Command =>
  command.option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 60);

/** Runs a change of a group that there is, and prints the group as it is then. */
export async function applyTo(
  context: Context,
  name: string,
  options: ChangeOptions,
  work: (messenger: Messenger) => Promise<void>,
): Promise<void> {
  await apply(context, options, async (messenger) => {
    // The name may be another one afterwards.
    const id = (await find(messenger, name))?.id;
    await work(messenger);
    return id;
  });
}

/** Runs a change and prints the group whose id it gives. */
async function apply(
  context: Context,
  options: ChangeOptions,
  work: (messenger: Messenger) => Promise<string | undefined>,
): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    let id: string | undefined;
    await carryOut(context, session, options, async () => {
      id = await work(messenger);
    });
    const group = (await messenger.groups()).find((one) => one.id === id);
    if (group !== undefined) await printGroups(context, [group]);
  });
}

/** Runs a change on the newest state of things, and waits until the server has it with all that goes with it. */
export async function carryOut(
  context: Context,
  session: Session,
  options: ChangeOptions,
  work: () => Promise<void>,
): Promise<void> {
  const { messenger } = session;
  // What others changed meanwhile says who may do what.
  await refresh(context, session);
  const timeoutSec = messenger.connection === "online" ? options.timeout : offlineTimeoutSec;
  const done = await session.within(timeoutSec, (signal) => unlessAborted(work(), signal));
  if (!done) throw timeoutFailure(session, "the server does not have this change yet");
  await session.within(flushTimeoutSec, (signal) => messenger.flushed({ signal }));
}

/** The group of that name or id; one in use before one that was left. The SDK refuses what is ambiguous. */
async function find(messenger: Messenger, text: string): Promise<Group | undefined> {
  const groups = await messenger.groups();
  const named = groups.filter(({ name }) => name === text.trim());
  const inUse = named.find(({ state }) => state === "joined" || state === "healing");
  return groups.find(({ id }) => id === text.trim()) ?? inUse ?? named[0];
}

async function list(context: Context): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    const groups = await session.messenger.groups();
    await printGroups(context, groups);
    if (groups.length === 0 && !context.json) {
      await remark(context.io, "No groups yet. 'sotto group create NAME MEMBER…' makes one.");
    }
  });
}

async function members(context: Context, name: string, offline: boolean): Promise<void> {
  await withSession(context, { connect: !offline }, async (session) => {
    if (!offline) await refresh(context, session);
    await printMembers(context, await session.messenger.groupMembers(name));
  });
}

async function admins(context: Context, name: string, options: AdminOptions): Promise<void> {
  const added = (options.add ?? []).map(parsePeer);
  const removed = (options.remove ?? []).map(parsePeer);
  if (added.some((one) => removed.includes(one))) {
    throw usageFailure("somebody stands in both --add and --remove", "name each person once.");
  }
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    await carryOut(context, session, options, async () => {
      // New admins first: a group is never without one.
      if (added.length > 0) await messenger.setAdmins(name, added, true);
      if (removed.length > 0) await messenger.setAdmins(name, removed, false);
    });
    const people = await messenger.groupMembers(name);
    await printMembers(
      context,
      people.filter(({ role }) => role === "admin"),
    );
  });
}

const states: Readonly<Record<Group["state"], string>> = {
  joined: "",
  left: "you left",
  removed: "you were removed",
  healing: "is being put right",
};

async function printGroups({ io, json }: Context, groups: readonly Group[]): Promise<void> {
  if (json) {
    for (const { id, name, epoch, state, admin, members: count } of groups) {
      await printJson(io, { id, name, epoch, state, admin, members: count });
    }
    return;
  }
  const rows = groups.map(({ id, name, state, admin, members: count }) => [
    sanitiseLine(name),
    counted(count, "member"),
    states[state] === "" ? (admin ? "you are an admin" : "") : states[state],
    id,
  ]);
  for (const row of alignRows(rows)) await printLine(io, row);
}

async function printMembers({ io, json }: Context, people: readonly GroupMember[]): Promise<void> {
  if (json) {
    for (const { identifier, role, verified, devices } of people) {
      await printJson(io, { identifier, role, verified, devices });
    }
    return;
  }
  const rows = people.map(({ identifier, role, verified, devices, self }) => [
    sanitiseLine(identifier),
    role,
    self ? "you" : verified ? "verified" : "not verified",
    counted(devices, "device"),
  ]);
  for (const row of alignRows(rows)) await printLine(io, row);
}
