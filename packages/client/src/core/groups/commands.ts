/** What people do with groups: each change is checked against the group's rules, stored as wanted, and waited for until it is committed. */
import { LIMITS, TransportError, UsageError } from "@sotto/protocol";
import type { Group } from "../../api.ts";
import { bindIdentifier, findContact, parsePeer } from "../contacts.ts";
import { decideAbout } from "../deciding.ts";
import type { Engine } from "../engine.ts";
import { lookUp, type Found } from "../lookups.ts";
import { connectionSettled } from "../people.ts";
import { acceptPeople } from "../requests.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { madeGroup, makeGroup, type Made } from "./creating.ts";
import { isGroupName, newGroupData, parseGroupData } from "./data.ts";
import { beginLeaving, leftGroup } from "./leaving.ts";
import { findGroup, toGroup } from "./overview.ts";
import type { Intent } from "./records.ts";
import type { GroupLive } from "./state.ts";
import { intentGroup, addIntent } from "./pending.ts";

/** Makes a group, and waits until the server has it. @throws as Messenger.createGroup. */
export async function createGroup(engine: Engine, name: string, members: readonly string[]): Promise<Group> {
  checkName(name);
  const accounts = await accountsOf(engine, members);
  if (accounts.length >= LIMITS.maxGroupMembers) throw tooMany();
  const { promise, resolve } = Promise.withResolvers<Made>();
  await engine.run(async (step) => {
    const { own } = step.live;
    const data = newGroupData(name, own.account);
    await acceptPeople(step, accounts);
    await makeGroup(step, { data, accounts }, async (later, made) => {
      later.effects.push({ type: "settle", settle: () => resolve(made) });
    });
  });
  const made = await promise;
  if ("error" in made) throw made.error;
  const { id } = made.group.record;
  await wait(engine, async (step) => {
    const state = step.live.groups.byId.get(id)?.record.state;
    return { until: state === "creating" ? step.waiters.wait(madeGroup(id)) : undefined };
  });
  return engine.run(async (step) => toGroup(step, step.live.groups.byId.get(id) as GroupLive));
}

/** Adds people. */
export async function addToGroup(engine: Engine, group: string, members: readonly string[]): Promise<void> {
  const accounts = await accountsOf(engine, members);
  await changeGroup(engine, group, { type: "add", accounts }, "mayAdd");
}

/** Removes people. */
export async function removeFromGroup(
  engine: Engine,
  group: string,
  members: readonly string[],
): Promise<void> {
  const accounts = await accountsOf(engine, members);
  await changeGroup(engine, group, { type: "remove", accounts }, "mayRemove");
}

/** Renames a group. */
export async function renameGroup(engine: Engine, group: string, name: string): Promise<void> {
  checkName(name);
  await changeGroup(engine, group, { type: "rename", name }, "mayRename");
}

/** Makes people admins, or ordinary members again. */
export async function setAdmins(
  engine: Engine,
  group: string,
  members: readonly string[],
  admin: boolean,
): Promise<void> {
  const accounts = await accountsOf(engine, members);
  await changeGroup(engine, group, { type: "admins", accounts, admin }, "admin");
}

/** Tells the group that this account leaves; its devices forget the group's keys then. */
export async function leaveGroup(engine: Engine, name: string): Promise<void> {
  await wait(engine, async (step) => {
    const group = await findGroup(step, name);
    const { own } = step.live;
    const data = parseGroupData(group.record.data);
    const { accounts, leaving } = group.record;
    const others = accounts.filter(
      (account) => account !== own.account && leaving?.includes(account) !== true,
    );
    const lastAdmin = data.admins.every((admin) => admin === own.account || !others.includes(admin));
    if (lastAdmin && others.length > 0) {
      throw new UsageError(
        "group_forbidden",
        "make somebody else an admin first: nobody could change it any more",
      );
    }
    await decideAbout(step, { group }, { accepted: false });
    const until = step.waiters.wait(leftGroup(group.record.id));
    await beginLeaving(step, group);
    return { until };
  });
}

/**
 * Asks for a change of a group, and waits until it is committed. @param also what goes with it, in the same step.
 * @throws UsageError `group_forbidden` and others.
 */
export async function changeGroup(
  engine: Engine,
  name: string,
  intent: Intent,
  right: "mayAdd" | "mayRemove" | "mayRename" | "admin",
  also?: (step: Step, group: GroupLive) => Promise<void>,
): Promise<void> {
  await wait(engine, async (step) => {
    const group = await findGroup(step, name);
    const data = parseGroupData(group.record.data);
    const isAdmin = data.admins.includes(step.live.own.account);
    // Whoever ends every log of a group is kept out by being removed while it is made anew.
    const isLater = intent.type === "remove" && group.record.state === "healing";
    if (group.record.state !== "joined" && !isLater) {
      throw new UsageError("group_forbidden", "this device is not in that group any more");
    }
    if (!isAdmin && (right === "admin" || data[right] === "admins")) {
      throw new UsageError("group_forbidden", "only admins of that group may do this");
    }
    if (intent.type === "remove" || (intent.type === "admins" && !intent.admin)) {
      const left = data.admins.filter((admin) => !intent.accounts.includes(admin));
      if (left.length === 0) throw new UsageError("group_forbidden", "a group needs at least one admin");
    }
    if (intent.type === "remove" && intent.accounts.includes(step.live.own.account)) {
      throw new UsageError("usage", "one leaves a group; one cannot remove oneself");
    }
    const missing =
      intent.type === "remove" || intent.type === "admins"
        ? intent.accounts.find((account) => !group.record.accounts.includes(account))
        : undefined;
    if (missing !== undefined)
      throw new UsageError("contact_unknown", "somebody of these is not in the group");
    const more =
      intent.type === "add"
        ? intent.accounts.filter((account) => !group.record.accounts.includes(account))
        : [];
    if (group.record.accounts.length + more.length > LIMITS.maxGroupMembers) throw tooMany();
    if (intent.type === "add") await acceptPeople(step, intent.accounts);
    await also?.(step, group);
    const order = addIntent(step, group, intent);
    return { until: step.waiters.wait(intentGroup(order)) };
  });
}

/** Runs a step that may hand out a promise, and waits for that. */
async function wait(
  engine: Engine,
  step: (step: Step) => Promise<{ readonly until: Promise<void> | undefined }>,
): Promise<void> {
  const { until } = await engine.run(step);
  await until;
}

const tooMany = (): UsageError =>
  new UsageError("usage", `a group can have ${LIMITS.maxGroupMembers} people at most`);

function checkName(name: string): void {
  if (isGroupName(name)) return;
  throw new UsageError(
    "usage",
    "a group's name has 1 to 128 characters, no control character among them, and no space at its ends",
  );
}

/** The accounts of people, looked up where they are not known. @throws `identifier_not_found`, `identifier_invalid`. */
async function accountsOf(engine: Engine, members: readonly string[]): Promise<readonly string[]> {
  await connectionSettled(engine);
  const accounts: string[] = [];
  for (const member of members) accounts.push(await accountOfPeer(engine, member));
  return [...new Set(accounts)];
}

async function accountOfPeer(engine: Engine, text: string): Promise<string> {
  const peer = parsePeer(text);
  const outcome = await engine.run(async (step) => {
    const { own } = step.live;
    if ("identifier" in peer ? peer.identifier === own.identifier : peer.account === own.account) {
      return { account: own.account };
    }
    const known = await findContact(step.draft, peer);
    if (known?.account !== undefined) return { account: known.account };
    if (!isReady(step))
      throw new TransportError("server_unreachable", "there is no connection to the server");
    const { promise: asked, resolve } = Promise.withResolvers<Found>();
    await lookUp(step, peer, async (later, found) => {
      later.effects.push({ type: "settle", settle: () => resolve(found) });
    });
    return { asked };
  });
  if (outcome.account !== undefined) return outcome.account;
  const found = await outcome.asked;
  if (found.type === "failed") throw found.error;
  if (found.type === "not-found") {
    throw new UsageError("identifier_not_found", "nobody is registered under that identifier");
  }
  if ("identifier" in peer) {
    await engine.run((step) => bindIdentifier(step, peer.identifier, found.account));
  }
  return found.account;
}
