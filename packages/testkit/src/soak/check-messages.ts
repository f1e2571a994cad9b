/** Messages of groups: each device has shown what was its to read, once, in the order of the log, and nothing else. */
import { parseGroupData, type GroupRecord } from "@sotto/client/parts";
import type { SimulatedDevice, WitnessedLog, WitnessedText } from "../simulation/index.ts";
import { isInOrder, textsOf, type Seen } from "./seen.ts";
import { messagesOf, type Link, type Stage } from "./stage.ts";

/** Every message of a group that a device was to show, and no other, in the order of its logs, the first of which comes first. */
export async function checkGroup(
  stage: Stage,
  logs: readonly WitnessedLog[],
  { device, groups, history }: Seen,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${device.label} in ${logs[0]?.id.slice(0, 6)}: ${what}`);
  const known = logs.flatMap(({ id }) => groups.get(id) ?? []);
  // Whoever was out in between has two conversations of it.
  const conversations = new Map(known.map(({ id, conversation }) => [conversation, id]));
  const rows = (await Promise.all([...conversations.values()].map(history))).flat();
  const senders = textsOf(stage);
  const shown = rows.map(({ id }) => id).filter((id) => senders.has(id) && senders.get(id) !== device.device);
  if (new Set(shown).size !== shown.length) say("shows a message twice");
  const mayRead = new Set(logs.flatMap((log) => [...readableBy(stage, log, device)]));
  for (const id of shown) if (!mayRead.has(id)) say(`shows ${id}, which it could not read`);
  if (stage.revoked.has(device)) return wrong;

  const isShown = new Set(shown);
  // What lay there before as well, and is there again since whoever wrote it was put back to an older copy, or the log was forsaken, may
  // have come another way, and then has the place that it had first.
  const before = new Set<string>();
  for (const log of logs) {
    for (const text of log.texts) if (!isReadable(log, device, text)) before.add(text.id);
    const record = groups.get(log.id);
    const readable = log.texts.filter(
      (text) => isReadable(log, device, text) && senders.get(text.id) !== device.device,
    );
    const due = readable.filter((text) => !isExempt(stage, device, log, text, record));
    const forsaken = isForsaken(logs, log, known);
    // Whoever wrote there sends it once more in the one that counts, unless they are not in that one.
    const goesOver = ({ id, sender }: WitnessedText) =>
      !forsaken || (isIn(stage, logs, sender) && !stage.takenBack.has(id));
    const missing = due.filter((text) => !isShown.has(text.id) && goesOver(text));
    if (missing.length > 0)
      say(`does not show what lies at ${missing.map(({ seq }) => seq).join(" ")} of ${log.id.slice(0, 6)}`);
    const inOrder = [...new Set(due.map(({ id }) => id))].filter((id) => !before.has(id));
    // Of a log that it was added to and never came into, a device shows what came again in the one that counts, as it came there.
    if (record !== undefined && !isInOrder(shown, inOrder)) say("shows messages out of order");
    for (const { id } of readable) before.add(id);
  }
  return wrong;
}

/** Whether a log is one that a device has left for another which does not come from it: several had taken the same place, and it lost. */
function isForsaken(
  logs: readonly WitnessedLog[],
  { id }: WitnessedLog,
  known: readonly GroupRecord[],
): boolean {
  if (logs.length === 1) return false;
  const present = known.filter(({ state }) => state !== "replaced");
  return !present.some(
    (one) => one.id === id || parseGroupData(one.data).replaces.some((old) => old.id === id),
  );
}

/** Whether a device in use is in the newest of the logs that are one group, and its account has not left that on another. */
function isIn(stage: Stage, logs: readonly WitnessedLog[], device: string): boolean {
  const newest = logs.at(-1);
  const isMember = newest?.members.get(newest.epoch)?.has(device) === true;
  const one = stage.world.devices.find((each) => each.device === device);
  const isOut = isMember && one !== undefined && hasLeft(stage, newest, one, newest.head + 1);
  return isMember && !isOut && !isRevoked(stage, device);
}

const isRevoked = ({ revoked }: Stage, id: string): boolean =>
  [...revoked].some(({ device }) => device === id);

const isReadable = (
  log: WitnessedLog,
  { device }: SimulatedDevice,
  { sender, epoch }: WitnessedText,
): boolean => sender !== device && log.members.get(epoch)?.has(device) === true;

/** What a device may show: what it could read; and what another of its account's could, or wrote, for that may have told it. */
function readableBy(stage: Stage, log: WitnessedLog, device: SimulatedDevice): ReadonlySet<string> {
  const wasLinked = stage.links.some((link) => link.device === device);
  const account = stage.world.devices.filter((one) => one.account === device.account);
  const readers = wasLinked || stage.linkedBefore.has(device) ? account : [device];
  const texts = log.texts.filter((text) =>
    readers.some((one) => isReadable(log, one, text) || one.device === text.sender),
  );
  return new Set(texts.map(({ id }) => id));
}

function isExempt(
  stage: Stage,
  device: SimulatedDevice,
  log: WitnessedLog,
  { seq, sender }: WitnessedText,
  record: GroupRecord | undefined,
): boolean {
  // What a revoked device wrote last is refused by whoever knows that it is revoked.
  if (isRevoked(stage, sender)) return true;
  // Whoever left reads no more, though the group may not have taken notice yet.
  if (record?.state === "left" && seq > record.cursor) return true;
  const joins = log.joins.filter((join) => join.device === device.device);
  if (wasPutOff(stage, joins, seq)) return true;
  if (hasLeft(stage, log, device, seq)) return true;
  const isOut = log.members.get(log.epoch)?.has(device.device) !== true;
  const letIn = joins.findLast((join) => join.seq <= seq);
  // Nobody lets in whose account was removed before it took in that a device which was revoked had done so.
  if (isOut && isByRevoked(stage, letIn) && (record?.cursor ?? -1) < (letIn?.seq ?? 0)) return true;
  return stage.gaps.some((gap) => {
    if (gap.device !== device || gap.log !== log.id || seq <= gap.after) return false;
    const end = joins[gap.joinsBefore]?.seq;
    if (end !== undefined) return seq <= end;
    // Who was removed meanwhile learns that and no more; nor is anybody let into a log again that was over before they were put right.
    if (record?.state === "replaced") return record.lost?.why === "own";
    return record !== undefined && ["healing", "removed", "left"].includes(record.state);
  });
}

/** Whether a device that was let in by one which was revoked since had not been let in by another: it believes only that one. */
export function wasPutOff(stage: Stage, joins: WitnessedLog["joins"], seq: number): boolean {
  const before = joins.findLast((join) => join.seq <= seq);
  const after = joins.find((join) => join.seq > seq);
  return after !== undefined && isByRevoked(stage, before);
}

const isByRevoked = (stage: Stage, join: WitnessedLog["joins"][number] | undefined): boolean =>
  join !== undefined && isRevoked(stage, join.by);

/** Whether a device's account had left before, on whichever of its devices, and not come back: it may be let in again before anybody looks. */
function hasLeft(
  { world }: Stage,
  log: WitnessedLog,
  { account, device }: SimulatedDevice,
  seq: number,
): boolean {
  const own = new Set(world.devices.filter((one) => one.account === account).map((one) => one.device));
  return log.leaves.some(
    (leave) =>
      own.has(leave.device) &&
      leave.seq < seq &&
      !log.joins.some((join) => join.device === device && join.seq > leave.seq && join.seq <= seq),
  );
}

/** A device that was let in shows all that the one showed which let it in, of the groups that it came into. */
export async function checkHistory(stage: Stage, link: Link): Promise<readonly string[]> {
  const { approver, device, known } = link;
  const { revoked, restored } = stage;
  if (device === undefined || revoked.has(device) || revoked.has(approver)) return [];
  if (restored.has(approver)) return [];
  const shown = await messagesOf(device);
  const groups = new Set((await device.groups()).map(({ id }) => id));
  const missing = [...known]
    .filter(([id, group]) => !shown.has(id) && (group === undefined || groups.has(group)))
    .map(([id]) => id);
  return missing.length === 0 ? [] : [`${device.label}: lacks of the history ${missing.join(" ")}`];
}
