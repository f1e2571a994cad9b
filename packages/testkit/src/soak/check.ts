/**
 * What must hold when everything is quiet, seen from the witness's logs: everybody is where the logs put them, in the same epoch, with
 * nothing left to do; and everybody has shown each message that was theirs to read, once, in the order of the log, and no other.
 */
import { parseGroupData, type GroupRecord } from "@sotto/client/parts";
import type { Message, Messenger } from "@sotto/client";
import type { SimulatedDevice, WitnessedLog, WitnessedText } from "../simulation/index.ts";
import type { Stage } from "./commands.ts";

interface Seen {
  readonly device: SimulatedDevice;
  readonly groups: ReadonlyMap<string, GroupRecord>;
}

/** Looks at everything. Returns what is wrong. */
export async function check(stage: Stage): Promise<readonly string[]> {
  const { world, faults } = stage;
  const wrong = [
    ...faults,
    ...world.server.failures.map((failure) => `the server failed: ${String(failure)}`),
  ];
  const everybody: Seen[] = [];
  for (const device of world.devices) {
    if (!device.alive) return [...wrong, `${device.identifier} is not running`];
    everybody.push({
      device,
      groups: new Map((await device.groups()).map((group) => [group.id, group])),
    });
  }
  for (const seen of everybody) wrong.push(...(await checkDevice(stage, seen)));
  for (const log of world.witness.logs.values()) wrong.push(...(await checkLog(stage, log, everybody)));
  for (const one of everybody) {
    for (const other of everybody) {
      if (one.device.account !== other.device.account) wrong.push(...(await checkPair(stage, one, other)));
    }
  }
  return wrong;
}

async function checkDevice(stage: Stage, { device }: Seen): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${device.identifier}: ${what}`);
  const { connection, queued, conversations } = await device.up.doctor();
  if (connection !== "online") say(`is ${connection}`);
  if (queued > 0) say(`${queued} wait to be sent`);
  for (const { id, state, pending } of conversations) {
    if (pending > 0) say(`${pending} changes wait in ${id}`);
    const log = stage.world.witness.logs.get(id);
    // Whoever was removed while they had lost their state is told so by nobody.
    const isMember = log?.members.get(log.epoch)?.has(device.device) === true;
    if (state === "creating" || (state === "healing" && isMember)) say(`${id} is ${state}`);
  }
  for (const notice of device.notices) {
    if (notice.type === "group_changed") continue;
    if (notice.type === "healed" && stage.tampered.has(device)) continue;
    say(`was told ${JSON.stringify(notice)}`);
  }
  const sent = new Set(
    [...stage.world.witness.logs.values()].flatMap(({ texts }) => texts.map(({ id }) => id)),
  );
  for (const { id, status } of await ownMessages(device)) {
    if (status === "queued") say(`message ${id} is queued`);
    if (status !== "failed" && status !== "queued" && !sent.has(id))
      say(`message ${id} is ${status}, but in no log`);
  }
  return wrong;
}

async function ownMessages({ up }: SimulatedDevice): Promise<readonly Message[]> {
  const own: Message[] = [];
  for (const { peer, group } of await up.conversations()) {
    own.push(...(await history(up, group?.id ?? peer)).filter(({ direction }) => direction === "out"));
  }
  return own;
}

async function history(up: Messenger, conversation: string): Promise<readonly Message[]> {
  try {
    return await up.history(conversation, { limit: 100_000 });
  } catch (error) {
    if (["contact_unknown", "group_unknown"].includes((error as { code?: string }).code ?? "")) return [];
    throw error;
  }
}

async function checkLog(
  stage: Stage,
  log: WitnessedLog,
  everybody: readonly Seen[],
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const short = log.id.slice(0, 6);
  if (log.unknown > 0) wrong.push(`${short}: ${log.unknown} entries of unknown origin`);
  const members = log.members.get(log.epoch) ?? new Set();
  const isGroup = everybody.some(({ groups }) => groups.get(log.id)?.kind === "group");
  for (const { device, groups } of everybody) {
    const record = groups.get(log.id);
    const say = (what: string) => wrong.push(`${device.identifier} in ${short}: ${what}`);
    if (record?.state === "joined") {
      if (!members.has(device.device)) say("believes to be in it, and is not");
      else if (record.epoch !== log.epoch) say(`is in epoch ${record.epoch}, not ${log.epoch}`);
      else if (record.cursor !== log.head) say(`has read up to ${record.cursor} of ${log.head}`);
      const accounts = new Set(
        everybody.filter((one) => members.has(one.device.device)).map((one) => one.device.account),
      );
      if (record.accounts.toSorted().join() !== [...accounts].toSorted().join()) say("knows other members");
    } else if (isGroup && members.has(device.device) && !mayStay(stage, log, record, everybody))
      say(`is in it, but ${record?.state ?? "does not know"}`);
    if (isGroup) wrong.push(...(await checkShown(stage, log, device, record)));
  }
  return wrong;
}

/**
 * Whoever left is seen out by an admin who read that they do. Nobody does it where nobody else is, nor where every admin had lost their
 * state: the message may be among those that they will never have.
 */
function mayStay(
  stage: Stage,
  log: WitnessedLog,
  record: GroupRecord | undefined,
  everybody: readonly Seen[],
): boolean {
  if (record?.state !== "left") return false;
  const admins = everybody.filter(({ device, groups }) => {
    const theirs = groups.get(log.id);
    return theirs?.state === "joined" && parseGroupData(theirs.data).admins.includes(device.account);
  });
  return admins.every(({ device }) => stage.tampered.has(device));
}

/** Every message of a group that a device was to show, and no other, in the order of the log. */
async function checkShown(
  stage: Stage,
  log: WitnessedLog,
  device: SimulatedDevice,
  record: GroupRecord | undefined,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${device.identifier} in ${log.id.slice(0, 6)}: ${what}`);
  const rows = record === undefined ? [] : await history(device.up, log.id);
  const shown = rows.filter(({ direction }) => direction === "in").map(({ id }) => id);
  const readable = log.texts.filter(
    ({ sender, epoch }) => sender !== device.device && log.members.get(epoch)?.has(device.device) === true,
  );
  const ids = new Set(readable.map(({ id }) => id));
  for (const id of shown) if (!ids.has(id)) say(`shows ${id}, which it could not read`);
  if (new Set(shown).size !== shown.length) say("shows a message twice");
  const due = readable.filter((text) => !isExempt(stage, device, log, text, record));
  const missing = [...new Set(due.map(({ id }) => id))].filter((id) => !shown.includes(id));
  if (missing.length > 0) {
    const seqs = due.filter(({ id }) => missing.includes(id)).map(({ seq }) => seq);
    say(`does not show what lies at ${seqs.join(" ")}`);
  }
  // The first time that it could read each.
  const order = [...new Set(due.map(({ id }) => id))];
  const inOrder = shown.filter((id) => order.includes(id)).map((id) => order.indexOf(id));
  if (inOrder.some((place, i) => i > 0 && place < (inOrder[i - 1] as number)))
    say("shows messages out of order");
  return wrong;
}

function isExempt(
  stage: Stage,
  device: SimulatedDevice,
  log: WitnessedLog,
  { seq }: WitnessedText,
  record: GroupRecord | undefined,
): boolean {
  // Whoever left reads no more, though the group may not have taken notice yet.
  if (record?.state === "left" && seq > record.cursor) return true;
  return stage.gaps.some((gap) => {
    if (gap.device !== device || gap.log !== log.id || seq <= gap.after) return false;
    const joins = log.joins.filter((join) => join.device === device.device);
    const end = joins[gap.joinsBefore]?.seq;
    return end === undefined ? record?.state === "healing" : seq <= end;
  });
}

/** What one wrote to the other, in whichever logs they had. */
async function checkPair(stage: Stage, from: Seen, to: Seen): Promise<readonly string[]> {
  const { world, restored } = stage;
  const isPair = (log: WitnessedLog) =>
    [from, to].some(({ groups }) => groups.get(log.id)?.kind === "pair") &&
    [...(log.members.get(log.epoch) ?? [])].every((device) =>
      [from.device.device, to.device.device].includes(device),
    );
  const logs = [...world.witness.logs.values()].filter(isPair);
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${from.device.identifier} to ${to.device.identifier}: ${what}`);
  const written = new Set(
    logs.flatMap(({ texts }) =>
      texts.filter(({ sender }) => sender === from.device.device).map(({ id }) => id),
    ),
  );
  const rows = await history(to.device.up, from.device.identifier);
  const shown = rows.filter(({ direction }) => direction === "in").map(({ id }) => id);
  if (new Set(shown).size !== shown.length) say("a message is shown twice");
  for (const id of shown) if (!written.has(id)) say(`${id} is shown, and in no log`);
  // It had come before the device was put back: it was told, or its sender has the receipt.
  const told = new Set(to.device.received.map(({ id }) => id));
  for (const { id, status } of await history(from.device.up, to.device.identifier)) {
    if (status === "delivered" || status === "read") told.add(id);
  }
  const missing = [...written].filter(
    (id) => !shown.includes(id) && !(restored.has(to.device) && told.has(id)),
  );
  if (missing.length > 0) say(`${missing.join(" ")} not shown`);
  if (!stage.tampered.has(from.device) && !stage.tampered.has(to.device)) {
    const order = [...written];
    const places = shown.map((id) => order.indexOf(id));
    if (places.some((place, i) => i > 0 && place < (places[i - 1] as number))) say("shown out of order");
  }
  const best = ({ groups }: Seen) =>
    logs
      .map(({ id }) => groups.get(id))
      .filter((record) => record?.state === "joined")
      .map((record) => record?.id ?? "")
      .toSorted()[0];
  if (best(from) !== best(to)) say(`they use different pairs, ${best(from)} and ${best(to)}`);
  return wrong;
}
