/** Messages between two people: what one wrote to the other, in whichever logs they had, is shown once by each device. */
import type { SimulatedDevice, WitnessedLog } from "../simulation/index.ts";
import { wasPutOff } from "./check-messages.ts";
import type { Seen } from "./seen.ts";
import type { Stage } from "./stage.ts";

/** What one person wrote, seen from a device of the other; what another device of the same person wrote; and which log both prefer. */
export async function checkPair(
  stage: Stage,
  from: Seen,
  to: Seen,
  everybody: readonly Seen[],
): Promise<readonly string[]> {
  if (from === to) return [];
  if (from.device.account === to.device.account) return checkAccountGroup(from, to);
  const { restored, tampered, revoked } = stage;
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${from.device.label} to ${to.device.label}: ${what}`);
  const logs = pairLogs(stage, from.device, to.device, everybody);
  const written = new Map<string, boolean>();
  const before = new Set<string>();
  let comesLate = tampered.has(from.device) || tampered.has(to.device);
  for (const log of logs) {
    const joins = log.joins.filter(({ device }) => device === to.device.device);
    for (const { id, sender, epoch, seq } of log.texts) {
      const isIn = log.members.get(epoch)?.has(to.device.device) === true;
      const mayRead = isIn && !wasPutOff(stage, joins, seq);
      // Of before it was let in: it comes with the history, or sooner when the pair is made anew.
      if (!mayRead) before.add(id);
      if (sender !== from.device.device) continue;
      written.set(id, mayRead || written.get(id) === true);
    }
  }
  const rows = await to.history(from.device.identifier);
  const shown = rows.filter(({ direction }) => direction === "in").map(({ id }) => id);
  if (new Set(shown).size !== shown.length) say("a message is shown twice");
  const theirs = accountTexts(stage, logs, from.device.account);
  for (const id of shown) if (!theirs.has(id)) say(`${id} is shown, and in no log`);

  const told = await toldOf(stage, from, to);
  const isShown = new Set(shown);
  // What was taken back before it was sent once more is not.
  const isAnew = comesLate || logs.some(({ id }) => stage.wrecked.has(id));
  const missing = [...written]
    .filter(([id, mayRead]) => mayRead && !isShown.has(id))
    .filter(([id]) => !(isAnew && stage.takenBack.has(id)))
    .filter(([id]) => !((restored.has(to.device) || tampered.has(to.device)) && told.has(id)))
    .map(([id]) => id);
  if (missing.length > 0 && !revoked.has(from.device)) say(`${missing.join(" ")} not shown`);
  if (!comesLate) {
    // What another device of theirs wrote, and this one only sent again, came when that one sent it.
    const { authors } = stage.world.witness;
    const own = rows.filter(
      ({ id }) =>
        written.has(id) && authors.get(id) === from.device.device && !(logs.length > 1 && before.has(id)),
    );
    const order = own.map(({ body }) => Number(body.split(" ")[1]));
    if (order.some((number, i) => i > 0 && number < (order[i - 1] as number)))
      say(`shown out of order: ${order}`);
  }
  const [mine, others] = [best(from, logs), best(to, logs)];
  if (mine !== others) say(`they use different pairs, ${mine} and ${others}`);
  return wrong;
}

/** The logs between two people. */
function pairLogs(
  { world }: Stage,
  one: SimulatedDevice,
  other: SimulatedDevice,
  everybody: readonly Seen[],
): readonly WitnessedLog[] {
  const accounts = new Set([one.account, other.account]);
  const isTheirs = new Set(
    world.devices.filter(({ account }) => accounts.has(account)).map(({ device }) => device),
  );
  return [...world.witness.logs.values()].filter(
    (log) =>
      everybody.some(({ groups }) => groups.get(log.id)?.kind === "pair") &&
      [...log.members.values()].every((members) => [...members].every((device) => isTheirs.has(device))),
  );
}

function accountTexts(stage: Stage, logs: readonly WitnessedLog[], account: string): ReadonlySet<string> {
  const devices = new Set(
    stage.world.devices.filter((device) => device.account === account).map(({ device }) => device),
  );
  return new Set(
    logs.flatMap(({ texts }) => texts.filter(({ sender }) => devices.has(sender)).map(({ id }) => id)),
  );
}

/** What came to a device before it was put back, or to another of its account: it was told, or its sender has the receipt. */
async function toldOf({ world }: Stage, from: Seen, to: Seen): Promise<ReadonlySet<string>> {
  const devices = world.devices.filter(({ account }) => account === to.device.account);
  const told = new Set(devices.flatMap(({ received }) => received.map(({ id }) => id)));
  for (const { id, status } of await from.history(to.device.identifier)) {
    if (status === "delivered" || status === "read") told.add(id);
  }
  return told;
}

/** The log that a device writes in. */
function best({ groups }: Seen, logs: readonly WitnessedLog[]): string | undefined {
  return logs
    .filter(({ id }) => groups.get(id)?.state === "joined")
    .map(({ id }) => id)
    .toSorted()[0];
}

/** The group that a device tells its account's others in. */
const ownGroup = ({ groups }: Seen): string | undefined =>
  [...groups.values()]
    .filter(({ kind, state }) => kind === "account" && state === "joined")
    .map(({ id }) => id)
    .toSorted()[0];

/** Devices of one account talk in one group of their own. */
function checkAccountGroup(one: Seen, other: Seen): readonly string[] {
  const [mine, theirs] = [ownGroup(one), ownGroup(other)];
  if (mine === theirs && mine !== undefined) return [];
  return [`${one.device.label} and ${other.device.label} use different groups, ${mine} and ${theirs}`];
}
