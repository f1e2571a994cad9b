/**
 * What must hold when everything is quiet, seen from the witness's logs: everybody is where the logs put them, in the same epoch, with
 * nothing left to do; every device of theirs is there, and none that was revoked.
 */
import { parseGroupData } from "@sotto/client/parts";
import type { WitnessedLog } from "../simulation/index.ts";
import { checkChanges } from "./check-changes.ts";
import { checkGroup, checkHistory } from "./check-messages.ts";
import { checkPair } from "./check-pairs.ts";
import { see, textsOf, type Seen } from "./seen.ts";
import { inUse, takeNote, type Stage } from "./stage.ts";

/** Looks at everything. Returns what is wrong. */
export async function check(stage: Stage): Promise<readonly string[]> {
  const { world, faults, revoked } = stage;
  await takeNote(stage);
  const wrong = [
    ...faults,
    ...world.server.failures.map((failure) => `the server failed: ${String(failure)}`),
  ];
  const everybody: Seen[] = [];
  for (const device of world.devices) {
    if (!device.alive) return [...wrong, `${device.label} is not running`];
    everybody.push(await see(device));
  }
  const present = everybody.filter(({ device }) => !revoked.has(device));
  for (const seen of present) wrong.push(...(await checkDevice(stage, seen)));
  for (const link of stage.links) wrong.push(...(await checkHistory(stage, link)));
  for (const log of world.witness.logs.values()) {
    wrong.push(...checkMembers(stage, log, present));
    for (const seen of everybody) wrong.push(...checkPlace(stage, log, seen, present));
    const isGroup = everybody.some(({ groups }) => groups.get(log.id)?.kind === "group");
    if (!isGroup) continue;
    wrong.push(...(await checkChanges(stage, log, present)));
  }
  for (const logs of linesOf(stage, everybody)) {
    for (const seen of everybody) wrong.push(...(await checkGroup(stage, logs, seen)));
  }
  for (const one of present) {
    for (const other of present) wrong.push(...(await checkPair(stage, one, other, everybody)));
  }
  return wrong;
}

/** The logs of groups: those together that are one group, since each took the place of another; the first comes first. */
function linesOf({ world }: Stage, everybody: readonly Seen[]): readonly (readonly WitnessedLog[])[] {
  const lines = new Map<string, WitnessedLog[]>();
  for (const log of world.witness.logs.values()) {
    const record = everybody.flatMap(({ groups }) => groups.get(log.id) ?? [])[0];
    if (record?.kind !== "group") continue;
    const old = parseGroupData(record.data).replaces.find(({ id }) => lines.has(id));
    const line = (old && lines.get(old.id)) ?? [];
    line.push(log);
    lines.set(log.id, line);
  }
  return [...new Set(lines.values())];
}

async function checkDevice(stage: Stage, { device, history }: Seen): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${device.label}: ${what}`);
  const { connection, queued, conversations, linking } = await device.up.doctor();
  if (connection !== "online") say(`is ${connection}`);
  if (queued > 0) say(`${queued} wait to be sent`);
  const blocked = (await device.up.contacts()).filter(({ identityChanged }) => identityChanged);
  if (blocked.length > 0 && stage.rotated.size === 0) say("believes that an identity key changed");
  const ghosts = stage.links.filter((link) => link.approver === device && link.device === undefined);
  if (linking > ghosts.length) say(`${linking} linked devices wait for it`);
  for (const { id, state, pending } of conversations) {
    if (pending > 0) say(`${pending} changes wait in ${id}`);
    const log = stage.world.witness.logs.get(id);
    // Whoever was removed while they had lost their state is told so by those alone whom they knew as admins.
    const isMember = log?.members.get(log.epoch)?.has(device.device) === true;
    const healable = isMember && !isDeserted(stage, log, device.device);
    if (state === "creating" || (state === "healing" && healable)) say(`${id} is ${state}`);
  }
  for (const notice of device.notices)
    if (!isFair(stage, notice, device)) say(`was told ${JSON.stringify(notice)}`);
  const sent = textsOf(stage);
  const indexed = await searchAll(device);
  for (const { peer, group } of await device.up.conversations()) {
    for (const { id, status, direction, kind, deleted } of await history(group?.id ?? peer)) {
      if (kind === undefined && deleted !== true && !indexed.has(id)) say(`search does not find ${id}`);
      if (direction === "in" || status === "failed") continue;
      if (status === "queued") say(`message ${id} is queued`);
      else if (!sent.has(id)) say(`message ${id} is ${status}, but in no log`);
    }
  }
  return wrong;
}

/** Ids of everything that search finds: all of the history, where its index followed. */
async function searchAll(device: Seen["device"]): Promise<ReadonlySet<string>> {
  const { hits } = await device.up.search("", { since: 0, limit: 1_000_000 });
  return new Set(hits.map(({ message }) => message.id));
}

/** Whether nobody else in use is in a log: whoever lost their state is not put right. */
function isDeserted(stage: Stage, log: WitnessedLog, device: string): boolean {
  const present = log.members.get(log.epoch);
  return !inUse(stage).some((one) => one.device !== device && present?.has(one.device) === true);
}

/** Whether a notice is one that somebody may get who has done nothing wrong, on a network that only looks bad. */
function isFair(stage: Stage, notice: Seen["device"]["notices"][number], device: Seen["device"]): boolean {
  switch (notice.type) {
    case "group_changed":
      return true;
    case "device_added":
      return [...stage.linkedBefore, ...stage.links.map(({ approver }) => approver)].some(
        (one) => one.account === device.account,
      );
    case "identity_changed":
      return stage.rotated.size > 0;
    case "healed":
      return stage.tampered.size > 0 || stage.wrecked.size > 0;
    case "refused":
      // The network carried a frame twice, which the server stored twice; what a revoked device wrote last is not shown any more.
      return (
        (notice.code === "malformed" && stage.wrecked.size > 0) ||
        notice.code === "message_replayed" ||
        (notice.code === "message_refused" && stage.revoked.size > 0)
      );
    default:
      return false;
  }
}

/** Every device in use of those who are in a log is in it, and no other. */
function checkMembers(stage: Stage, log: WitnessedLog, present: readonly Seen[]): readonly string[] {
  const members = log.members.get(log.epoch) ?? new Set();
  const inside = present.filter(
    ({ device, groups }) => members.has(device.device) && groups.get(log.id)?.state === "joined",
  );
  if (inside.length === 0) return [];
  const wrong: string[] = [];
  const short = log.id.slice(0, 6);
  for (const device of stage.revoked)
    if (members.has(device.device)) wrong.push(`${device.label} is still in ${short}, and was revoked`);
  const leaving = new Set(inside.flatMap(({ groups }) => groups.get(log.id)?.leaving ?? []));
  const accounts = new Set(inside.map(({ device }) => device.account));
  for (const { device } of present) {
    if (members.has(device.device) || !accounts.has(device.account) || leaving.has(device.account)) continue;
    wrong.push(`${device.label} is not in ${short}, and others of the account are`);
  }
  return wrong;
}

/** A device is in a log's newest epoch, or knows that it is not in it. */
function checkPlace(
  stage: Stage,
  log: WitnessedLog,
  { device, groups }: Seen,
  present: readonly Seen[],
): readonly string[] {
  const wrong: string[] = [];
  const record = groups.get(log.id);
  const say = (what: string) => wrong.push(`${device.label} in ${log.id.slice(0, 6)}: ${what}`);
  // Nobody tells it.
  if (stage.revoked.has(device)) return [];
  const members = log.members.get(log.epoch) ?? new Set();
  if (record?.state === "joined") {
    if (!members.has(device.device)) say("believes to be in it, and is not");
    else if (record.epoch !== log.epoch) say(`is in epoch ${record.epoch}, not ${log.epoch}`);
    else if (record.cursor !== log.head) say(`has read up to ${record.cursor} of ${log.head}`);
    const accounts = new Set(
      stage.world.devices.filter((one) => members.has(one.device)).map(({ account }) => account),
    );
    if (record.accounts.toSorted().join() !== [...accounts].toSorted().join()) say("knows other members");
    return wrong;
  }
  const isGroup = present.some((one) => one.groups.get(log.id)?.kind === "group");
  if (!isGroup || !members.has(device.device) || mayStay(stage, log, { device, groups }, present))
    return wrong;
  if (isGivenUp(log, present)) return wrong;
  const isWaiting = record === undefined || record.state === "healing";
  if (isWaiting && isDeserted(stage, log, device.device)) return wrong;
  say(`is in it, but ${record?.state ?? "does not know"}`);
  return wrong;
}

/**
 * Whether everybody who was left in a log went over from it to another, which took the same place and counts before it; whoever had not
 * heard of it passes it over.
 */
function isGivenUp({ id }: WitnessedLog, present: readonly Seen[]): boolean {
  const states = present.flatMap(({ groups }) => groups.get(id)?.state ?? []);
  return (
    states.includes("replaced") &&
    states.every((state) => state === "replaced" || state === "left" || state === "removed")
  );
}

/**
 * Whoever left, on whichever device, is seen out by an admin who read that they do. Nobody does it where nobody else is, nor where every
 * admin had lost their state: the message may be among those that they will never have.
 */
function mayStay(
  stage: Stage,
  log: WitnessedLog,
  { device: { account }, groups: own }: Pick<Seen, "device" | "groups">,
  present: readonly Seen[],
): boolean {
  const state = own.get(log.id)?.state;
  // One that had lost its state is told by another of its account that left.
  const wasTold = present.some(
    ({ device, groups }) => device.account === account && groups.get(log.id)?.state === "left",
  );
  if (state !== "left" && !(state === "removed" && wasTold)) return false;
  const admins = present.filter(({ device, groups }) => {
    const theirs = groups.get(log.id);
    return theirs?.state === "joined" && parseGroupData(theirs.data).admins.includes(device.account);
  });
  return admins.every(({ device }) => stage.tampered.has(device));
}
