/** One round: load, a fault in the midst of it, and the check of everything that was answered against everything that is there. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SlotId } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import type { ReadEntry } from "@sotto/testkit/linearizability";
import { ChaosLog, newSlot, now } from "./chaos-log.ts";
import type { Cluster } from "./cluster.ts";
import { createConversation, readConversation } from "./conversations.ts";
import { playFault, type ChaosKind, type Durations } from "./faults.ts";
import { Follower } from "./follower.ts";
import { countAppends, findFaults, recovery, silence, type AppendCounts } from "./verdict.ts";
import type { Writer } from "./writer.ts";

const afterMs = 300;
/** Longest that everybody may wait to be served again. */
const recoveryPatienceMs = 45_000;
const deliveryPatienceMs = 15_000;
const conversations = 2;

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
export interface RoundResult extends AppendCounts {
  readonly text: string;
  /** All that is wrong. */
  readonly wrong: readonly string[];
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
      await createConversation(entrance, keeper, log, [...slots, archive]);
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
  const recoveryMs = await within(recoveryPatienceMs, 50, () => recovery(writers, followers, servedFromMs));
  if (recoveryMs === undefined)
    wrong.push(`somebody is not served ${recoveryPatienceMs / 1_000} s after it was mended`);
  await sleep(afterMs);
  writing = false;
  await written;
  const doneAtMs = now();

  const ends = new Map<ChaosLog, readonly ReadEntry[]>();
  for (const { log, archive } of talks) ends.set(log, await readConversation(entrance, keeper, log, archive));
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
  await within(deliveryPatienceMs, 20, () => (behind().length === 0 ? true : undefined));
  wrong.push(...behind());
  following = false;
  stop.resolve();
  await followed;

  followers.forEach((follower, i) => {
    const inbox = readers[i]?.inbox as ChaosLog;
    ends.set(inbox, follower.entries(inbox));
  });
  const counts = countAppends(ends);
  for (const [log, entries] of ends) {
    wrong.push(...findFaults(log, entries));
    if (log.isInbox) log.forget(entries.at(-1)?.seq ?? log.first.seq, new Set(entries.map(({ id }) => id)));
  }
  for (const writer of writers)
    wrong.push(...writer.unexpected.map((code) => `a writer was refused: ${code}`));
  return {
    text,
    wrong,
    ...counts,
    silenceMs: silence(writers, brokenAtMs, doneAtMs),
    recoveryMs: recoveryMs ?? Number.POSITIVE_INFINITY,
  };
}

/** Looks again and again until something is found; undefined when nothing was in time. */
async function within<T>(
  patienceMs: number,
  everyMs: number,
  look: () => T | undefined,
): Promise<T | undefined> {
  for (const untilMs = now() + patienceMs; ; await sleep(everyMs)) {
    const found = look();
    if (found !== undefined || now() > untilMs) return found;
  }
}

const acknowledgedSeqs = ({ appends }: ChaosLog): number[] =>
  appends.flatMap(({ outcome }) => (outcome.type === "stored" ? [outcome.seq] : []));
