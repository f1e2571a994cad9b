/** One round: load, a fault in the midst of it, and the check of everything that was answered against everything that is there. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SlotId } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { checkLog, type ReadEntry } from "@sotto/testkit/linearizability";
import { Line, patienceMs, type Entrance } from "./chaos-client.ts";
import { ChaosLog, newSlot, now, readEntry } from "./chaos-log.ts";
import type { Cluster } from "./cluster.ts";
import { playFault, type ChaosKind, type Durations } from "./faults.ts";
import { Follower } from "./follower.ts";
import type { Writer } from "./writer.ts";

const afterMs = 300;
/** Longest that everybody may wait to be served again. */
const recoveryPatienceMs = 45_000;
const deliveryPatienceMs = 15_000;
const conversations = 2;
const pieceEntries = 1_024;

/** Who takes part in all rounds. */
export interface Stage {
  readonly cluster: Cluster;
  readonly writers: readonly Writer[];
  /** Devices that read, and their inboxes. */
  readonly readers: readonly { readonly device: Cluster["devices"][number]; readonly inbox: ChaosLog }[];
  /** Makes the conversations, and reads them in the end. */
  readonly keeper: Cluster["devices"][number];
}

/** What a round is to be. */
export interface RoundPlan {
  readonly seed: number;
  readonly kind: ChaosKind;
  readonly durations: Durations;
}

/** What came of it. */
export interface RoundResult {
  readonly text: string;
  /** All that is wrong. */
  readonly wrong: readonly string[];
  readonly acknowledged: number;
  readonly commits: number;
  /** Refused because another Commit had won. */
  readonly lostRaces: number;
  /** Not answered, and of these, those that are stored. */
  readonly unknown: number;
  readonly unknownStored: number;
  /** Longest time in which nobody was answered. */
  readonly silenceMs: number;
  /** Until everybody was served again. */
  readonly recoveryMs: number;
}

/** Plays a round. @throws Error when something of the test itself does not work. */
export async function playRound(stage: Stage, { seed, kind, durations }: RoundPlan): Promise<RoundResult> {
  const { cluster, writers, readers, keeper } = stage;
  const random = new SeededRandom(seed);
  const entrance = { url: cluster.balancer.url, fingerprint: cluster.fingerprint };
  const talks = await Promise.all(
    Array.from({ length: conversations }, async (_, i) => {
      const log = ChaosLog.conversation(`conversation ${i}`);
      const slots = readers.map(newSlot);
      const archive = newSlot();
      await create(entrance, keeper, log, [...slots, archive]);
      return { log, slots, archive };
    }),
  );
  const logs = [...talks.map(({ log }) => log), ...readers.map(({ inbox }) => inbox)];
  const followers = readers.map(({ device, inbox }, i) => {
    const slots = talks.map(({ log, slots: own }): [ChaosLog, SlotId | undefined] => [log, own[i]]);
    return new Follower(device, [...slots, [inbox, undefined]]);
  });
  for (const writer of writers) writer.acknowledged.length = writer.unexpected.length = 0;

  let writing = true;
  const stop = Promise.withResolvers<void>();
  let following = true;
  const written = Promise.all(writers.map((writer) => writer.write(entrance, logs, () => !writing)));
  const followed = Promise.all(followers.map((one) => one.follow(entrance, () => !following, stop.promise)));
  await sleep(durations.wellMs + random.integer(durations.wellMs));
  const alsoKill =
    kind !== "kill" && kind !== "rolling" && random.chance(0.3) ? random.integer(3) : undefined;
  const brokenAtMs = now();
  const { text, servedFromMs } = await playFault(kind, cluster, random, durations, alsoKill);
  const wrong: string[] = [];
  let recoveryMs = recovery(writers, followers, servedFromMs);
  for (const untilMs = now() + recoveryPatienceMs; recoveryMs === undefined; await sleep(50)) {
    if (now() > untilMs) {
      wrong.push(`somebody is not served ${recoveryPatienceMs / 1_000} s after it was mended`);
      break;
    }
    recoveryMs = recovery(writers, followers, servedFromMs);
  }
  await sleep(afterMs);
  writing = false;
  await written;
  const doneAtMs = now();

  const ends = new Map<ChaosLog, readonly ReadEntry[]>();
  for (const { log, archive } of talks) ends.set(log, await readAll(entrance, keeper, log, archive));
  // What is there reaches whoever follows.
  const isBehind = (follower: Follower, log: ChaosLog): boolean => {
    const end = Math.max(ends.get(log)?.at(-1)?.seq ?? 0, ...(log.isInbox ? acknowledgedSeqs(log) : []));
    return follower.newest(log) < end;
  };
  const behind = () =>
    followers.flatMap((follower, i) =>
      [...talks.map(({ log }) => log), readers[i]?.inbox as ChaosLog]
        .filter((log) => isBehind(follower, log))
        .map((log) => `reader ${i} was not given all of ${log.name}`),
    );
  for (const untilMs = now() + deliveryPatienceMs; behind().length > 0 && now() < untilMs;) await sleep(20);
  wrong.push(...behind());
  following = false;
  stop.resolve();
  await followed;

  const sums = { acknowledged: 0, commits: 0, lostRaces: 0, unknown: 0, unknownStored: 0 };
  followers.forEach((follower, i) => {
    const inbox = readers[i]?.inbox as ChaosLog;
    ends.set(inbox, follower.entries(inbox));
  });
  for (const [log, entries] of ends) {
    wrong.push(...checkLog(log.history(entries)).map((fault) => `${log.name}: ${fault.kind}: ${fault.text}`));
    const stored = new Set(entries.map(({ id }) => id));
    for (const { id, kind: what, outcome } of log.appends) {
      if (outcome.type === "stored") sums.acknowledged += 1;
      if (outcome.type === "stored" && what === "commit") sums.commits += 1;
      if (outcome.type === "ended" && what === "commit") sums.lostRaces += 1;
      if (outcome.type === "unknown") sums.unknown += 1;
      if (outcome.type === "unknown" && stored.has(id)) sums.unknownStored += 1;
    }
    if (log.isInbox) log.forget(entries.at(-1)?.seq ?? log.first.seq, stored);
  }
  for (const writer of writers)
    wrong.push(...writer.unexpected.map((code) => `a writer was refused: ${code}`));
  return {
    text,
    wrong,
    ...sums,
    silenceMs: silence(writers, brokenAtMs, doneAtMs),
    recoveryMs: recoveryMs ?? Number.POSITIVE_INFINITY,
  };
}

/** How long it took until each writer had something acknowledged, and each reader was given something, that began after a moment. */
function recovery(
  writers: readonly Writer[],
  followers: readonly Follower[],
  fromMs: number,
): number | undefined {
  const later = writers.map(({ acknowledged }) => acknowledged.filter(({ callMs }) => callMs > fromMs));
  const served = later.map((own) => own[0]?.atMs ?? Number.POSITIVE_INFINITY);
  const ids = later.flat().map(({ id }) => id);
  const given = followers.map((follower) =>
    Math.min(...ids.map((id) => follower.givenAtMs.get(id) ?? Number.POSITIVE_INFINITY)),
  );
  const atMs = Math.max(...served, ...given);
  return Number.isFinite(atMs) ? atMs - fromMs : undefined;
}

function silence(writers: readonly Writer[], fromMs: number, toMs: number): number {
  const times = writers.flatMap(({ acknowledged }) => acknowledged.map(({ atMs }) => atMs));
  const within = [
    fromMs,
    ...times.filter((atMs) => atMs > fromMs && atMs < toMs).toSorted((a, b) => a - b),
    toMs,
  ];
  return Math.max(...within.slice(1).map((atMs, i) => atMs - (within[i] as number)));
}

const acknowledgedSeqs = ({ appends }: ChaosLog): number[] =>
  appends.flatMap(({ outcome }) => (outcome.type === "stored" ? [outcome.seq] : []));

/** Creates a conversation with its slots. */
async function create(
  entrance: Entrance,
  keeper: Stage["keeper"],
  log: ChaosLog,
  slots: readonly SlotId[],
): Promise<void> {
  await insist(async () => {
    const line = await Line.open(entrance, keeper);
    const made = await line?.ask((request) => ({
      case: "createLog",
      value: { request, logId: log.id, tokenHash: log.tokenHash(0) },
    }));
    const isThere =
      made?.case === "done" || (made?.case === "refused" && made.value.problem?.code === "log_exists");
    const opened = await Promise.all(
      slots.map((slotId) =>
        line?.ask((request) => ({
          case: "openSlot",
          value: { request, logId: log.id, slotId, accessToken: log.token(0), afterSeq: 0n },
        })),
      ),
    );
    line?.close();
    return isThere && opened.every((answer) => answer?.case === "done") ? true : undefined;
  });
}

/** Everything that a conversation holds, read without acking. */
async function readAll(
  entrance: Entrance,
  keeper: Stage["keeper"],
  log: ChaosLog,
  slotId: SlotId,
): Promise<readonly ReadEntry[]> {
  const entries: ReadEntry[] = [];
  let [epoch, head] = [0, -1];
  await insist(async () => {
    const line = await Line.open(entrance, keeper);
    if (line === undefined) return undefined;
    const ended = new Set<number>();
    line.onFrame = (frame) => {
      if (frame.case === "entries") entries.push(...frame.value.entries.map(readEntry));
      if (frame.case === "epochEnded") ended.add(Number(frame.value.epoch));
    };
    while (line.isOpen && entries.length !== head) {
      const before = entries.length;
      const answer = await line.ask((request) => ({
        case: "attach",
        value: {
          request,
          logId: log.id,
          slotId,
          accessToken: log.token(epoch),
          epoch: BigInt(epoch),
          afterSeq: BigInt(before),
          window: pieceEntries,
        },
      }));
      if (answer?.case !== "attached") break;
      head = Number(answer.value.headSeq);
      const piece = Math.min(head, before + pieceEntries);
      for (const untilMs = now() + patienceMs; !ended.has(epoch) && entries.length < piece; await sleep(2)) {
        if (!line.isOpen || now() > untilMs) break;
      }
      if (ended.has(epoch)) epoch += 1;
      else if (entries.length === before) break;
    }
    line.close();
    return entries.length === head ? true : undefined;
  });
  return entries;
}

/** Tries until it works. @throws Error after a while. */
async function insist(attempt: () => Promise<true | undefined>): Promise<void> {
  for (const untilMs = now() + recoveryPatienceMs; (await attempt()) !== true; await sleep(200)) {
    if (now() > untilMs) throw new Error("a conversation cannot be made or read");
  }
}
