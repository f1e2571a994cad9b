/**
 * A group whose log is over for everybody: a Commit that nobody can take in ended it, or one that the rules forbid, or the server was put
 * back to an older copy. One of those who decide in it makes the group anew within what it knew: the same people, roles and name, but for
 * who may not stay. Everybody else holds it against what they knew.
 * @see spec/PROTOCOL.md, Succession
 */
import { toHex } from "@sotto/protocol";
import { pinned } from "../directory.ts";
import { addNotice } from "../notices.ts";
import { isReady } from "../session.ts";
import type { Step } from "../step.ts";
import { deciders } from "./continuing.ts";
import { makeGroup, type Made } from "./creating.ts";
import { inPlaceOf, parseGroupData, type CheckedData } from "./data.ts";
import { inboxReadInMs } from "./healing.ts";
import { devicesOf } from "./inviting.ts";
import { nameOfGroup } from "./naming.ts";
import { groupNames, type GroupRecord, type Loss } from "./records.ts";
import { noteRemade, remakingPauseMs } from "./remaking.ts";
import { missedIn, takePlaceOf } from "./replacing.ts";
import { putGroup, shownOf, wakeGroup, type GroupLive } from "./state.ts";

/** So long others have time to add us anew, if the fault is ours or the server's alone. */
const graceMs = 60_000;
/** Those who decide do it one after another, should those before them not be there; and so do the devices of each. */
const turnMs = 120_000;
const deviceTurnMs = 20_000;
/** Whoever knows less than others say they did waits for those. */
const behindMs = 3_600_000;
const retryMs = 30_000;

/** Makes the group anew when that is this device's to do. */
export async function pumpSuccession(step: Step, group: GroupLive): Promise<void> {
  const { record } = group;
  if (record.kind === "pair" || group.planning || !isReady(step) || !(await isOver(step, record))) return;
  const turnInMs = await turnOf(step, record);
  if (turnInMs === undefined) return;
  const waitMs = Math.max(turnInMs, await remakingPauseMs(step, record.conversation), inboxReadInMs(step));
  if (waitMs > 0) return lookAgain(step, group, waitMs);
  group.planning = true;
  const out = await outsiders(step, group);
  const wanted = {
    data: dataOf(record, out),
    accounts: record.accounts.filter((account) => !out.has(account)),
    conversation: record.conversation,
    unreachable: "left out" as const,
    isWanted: () => group.record.state === "healing",
  };
  const without = record.accounts.filter((account) => out.has(account));
  await makeGroup(step, wanted, async (later, made) =>
    afterMaking(later, group, { wanted: wanted.accounts, without }, made),
  );
}

async function afterMaking(
  step: Step,
  group: GroupLive,
  { wanted, without }: { readonly wanted: readonly string[]; readonly without: readonly string[] },
  made: Made,
): Promise<void> {
  group.planning = false;
  if ("error" in made) return lookAgain(step, group, Math.max(retryMs, made.error.retryAfterMs ?? 0));
  const { conversation } = group.record;
  const missing = wanted.filter((account) => !made.group.record.accounts.includes(account));
  putGroup(step, made.group, { ...shownOf(group.record), missing, without });
  const missed = missedIn(group);
  await takePlaceOf(step, group, made.group);
  await noteRemade(step, conversation);
  if (group.record.kind !== "group") return;
  await addNotice(step, {
    type: "healed",
    conversation: await nameOfGroup(step, made.group.record),
    ...missed,
  });
}

/** Whether a log is known to be over for everybody: by the group's own state, since others lost it in the same way, or nobody is left there. */
async function isOver(step: Step, record: GroupRecord): Promise<boolean> {
  const { lost } = record;
  if (lost === undefined) return false;
  return lost.by !== undefined || lost.shared === true || (await isDeserted(step, record, lost));
}

/** Whether nobody could let us in: everybody else left, or lost the group as well, with every device that was there when we did. */
async function isDeserted(step: Step, { accounts, leaving = [] }: GroupRecord, lost: Loss): Promise<boolean> {
  const { askers = [], atMs } = lost;
  for (const account of accounts) {
    if (leaving.includes(account)) continue;
    // Nobody knows which devices there are.
    if ((await pinned(step, account)) === undefined) return false;
    const isThere = (await devicesOf(step, account)).some(
      ({ deviceId, addedAtSec }) => Number(addedAtSec) * 1000 <= atMs && !askers.includes(toHex(deviceId)),
    );
    if (isThere) return false;
  }
  return true;
}

/** In how long this device may make a group anew, in milliseconds; undefined: others decide. */
async function turnOf(step: Step, record: GroupRecord): Promise<number | undefined> {
  const { own } = step.live;
  const { lost, gone = [] } = record;
  const makers = deciders(record)
    .filter((account) => record.accounts.includes(account) && !gone.includes(account))
    .toSorted();
  const turn = makers.indexOf(own.account);
  if (turn < 0 || lost === undefined) return undefined;
  const devices = [
    own.device,
    ...(await devicesOf(step, own.account)).map(({ deviceId }) => toHex(deviceId)),
  ];
  const waitMs =
    (lost.by === undefined ? graceMs : 0) +
    turn * turnMs +
    devices.toSorted().indexOf(own.device) * deviceTurnMs +
    ((lost.latest ?? 0) > record.epoch ? behindMs : 0);
  const agoMs = step.env.nowMs() - lost.atMs;
  // A clock that was set back must not keep everybody waiting.
  return agoMs < 0 ? 0 : Math.max(0, waitMs - agoMs);
}

/** Who does not come along. What somebody wants removed here meanwhile is: so whoever ends every log can be kept out. */
async function outsiders(step: Step, { record, intents }: GroupLive): Promise<ReadonlySet<string>> {
  const out = new Set([...(record.gone ?? []), ...(record.leaving ?? [])]);
  for (const order of intents) {
    const intent = await step.draft.item(groupNames.intents(record.id), order);
    if (intent?.type === "remove") for (const account of intent.accounts) out.add(account);
  }
  return out;
}

function dataOf(record: GroupRecord, out: ReadonlySet<string>): CheckedData {
  const data = parseGroupData(record.data);
  const admins = data.kind === "group" ? deciders(record).filter((account) => !out.has(account)) : [];
  // Who left holds it against the epoch in which they went, as if somebody had seen them out.
  const isLeft = record.leaving?.some((account) => record.accounts.includes(account)) === true;
  const epoch = Math.max(isLeft ? record.epoch + 1 : record.epoch, record.lost?.leftBy ?? 0);
  return inPlaceOf({ ...data, admins }, { ...record, epoch });
}

function lookAgain(step: Step, group: GroupLive, delayMs: number): void {
  step.effects.push({
    type: "timer",
    name: `succession ${group.record.id}`,
    delayMs,
    run: async (later) => wakeGroup(later, group.record.id),
  });
}
