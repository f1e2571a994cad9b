/** Messages of groups: each device has shown what was its to read, once, in the order of the log, and nothing else. */
import type { GroupRecord } from "@sotto/client/parts";
import type { SimulatedDevice, WitnessedLog, WitnessedText } from "../simulation/index.ts";
import { isInOrder, textsOf, type Seen } from "./seen.ts";
import { messagesOf, type Link, type Stage } from "./stage.ts";

/** Every message of a group that a device was to show, and no other, in the order of the log. */
export async function checkGroup(
  stage: Stage,
  log: WitnessedLog,
  { device, groups, history }: Seen,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${device.label} in ${log.id.slice(0, 6)}: ${what}`);
  const record = groups.get(log.id);
  const rows = record === undefined ? [] : await history(log.id);
  const senders = textsOf(stage);
  const shown = rows.map(({ id }) => id).filter((id) => senders.has(id) && senders.get(id) !== device.device);
  if (new Set(shown).size !== shown.length) say("shows a message twice");
  const mayRead = readableBy(stage, log, device);
  for (const id of shown) if (!mayRead.has(id)) say(`shows ${id}, which it could not read`);
  if (stage.revoked.has(device)) return wrong;

  const readable = log.texts.filter((text) => isReadable(log, device, text));
  const due = readable.filter((text) => !isExempt(stage, device, log, text, record));
  const isShown = new Set(shown);
  const missing = due.filter(({ id }) => !isShown.has(id));
  if (missing.length > 0) say(`does not show what lies at ${missing.map(({ seq }) => seq).join(" ")}`);
  // The first time that it could read each. What lay there before as well, and is there again since whoever wrote it was put back to an
  // older copy, may have come with the history, and then has the place that it had first.
  const before = new Set(log.texts.filter((text) => !isReadable(log, device, text)).map(({ id }) => id));
  const inOrder = [...new Set(due.map(({ id }) => id))].filter((id) => !before.has(id));
  if (!isInOrder(shown, inOrder)) say("shows messages out of order");
  return wrong;
}

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
  if ([...stage.revoked].some((one) => one.device === sender)) return true;
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
    // Who was removed meanwhile learns that and no more.
    return end === undefined
      ? record !== undefined && ["healing", "removed", "left"].includes(record.state)
      : seq <= end;
  });
}

/** Whether a device that was let in by one which was revoked since had not been let in by another: it believes only that one. */
export function wasPutOff(stage: Stage, joins: WitnessedLog["joins"], seq: number): boolean {
  const before = joins.findLast((join) => join.seq <= seq);
  const after = joins.find((join) => join.seq > seq);
  return after !== undefined && isByRevoked(stage, before);
}

const isByRevoked = ({ revoked }: Stage, join: WitnessedLog["joins"][number] | undefined): boolean =>
  [...revoked].some(({ device }) => device === join?.by);

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
