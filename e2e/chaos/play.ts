/** Plays rounds on one installation: which fault comes when is decided by the seed, and every kind comes equally often. */
import { SeededRandom } from "@sotto/testkit";
import { ChaosLog } from "./chaos-log.ts";
import { Cluster } from "./cluster.ts";
import { playable, type ChaosKind, type Durations } from "./faults.ts";
import { playRound, type RoundResult, type Stage } from "./round.ts";
import { Writer } from "./writer.ts";

const writerCount = 10;
const readerCount = 3;

/** What is to be played. */
export interface Play {
  readonly rounds: number;
  readonly seed: number;
  readonly durations: Durations;
  /** Is told of each round. */
  readonly played?: (kind: ChaosKind, result: RoundResult) => void;
}

/** A round that was played. */
export interface PlayedRound {
  readonly kind: ChaosKind;
  readonly result: RoundResult;
}

/** The kinds in the order in which a seed plays them. */
function kindsInOrder(seed: number, rounds: number): readonly ChaosKind[] {
  const random = new SeededRandom(seed);
  const kinds: ChaosKind[] = [];
  while (kinds.length < rounds) kinds.push(...random.shuffle(playable));
  return kinds.slice(0, rounds);
}

/** Starts an installation, plays, and ends it. */
export async function play({ rounds, seed, durations, played }: Play): Promise<readonly PlayedRound[]> {
  const cluster = await Cluster.start(writerCount + readerCount + 1);
  try {
    const { devices } = cluster;
    const random = new SeededRandom(seed);
    const stage: Stage = {
      cluster,
      writers: devices
        .slice(0, writerCount)
        .map((device, i) => new Writer(`w${i}`, device, new SeededRandom(random.nextUint32()))),
      readers: devices
        .slice(writerCount, -1)
        .map((device, i) => ({ device, inbox: ChaosLog.inbox(`inbox ${i}`, device.inbox) })),
      keeper: devices.at(-1) as Cluster["devices"][number],
    };
    const results: PlayedRound[] = [];
    for (const [i, kind] of kindsInOrder(seed, rounds).entries()) {
      const result = await playRound(stage, { seed: seed + i, kind, durations });
      played?.(kind, result);
      results.push({ kind, result });
    }
    return results;
  } finally {
    await cluster.stop();
  }
}
