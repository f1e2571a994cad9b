/**
 * One run of a soak: some people with their devices, commands that fast-check draws, and peace at the end, in which everything must come
 * right. A run is decided by its seed; fast-check makes a failing one shorter.
 */
import * as fc from "fast-check";
import { SimulatedWorld } from "../simulation/index.ts";
import { peace, Wrong } from "./circumstances.ts";
import { anyCommand, Command, type CommandData, type CommandKind } from "./commands.ts";
import { newStage, type Stage } from "./stage.ts";

/** Who plays. */
export interface Cast {
  /** Of the world: weather, crashes, ids. */
  readonly seed: number;
  readonly people: number;
  /** At the beginning; at least one for each person. */
  readonly devices: number;
}

/** What came of a run. */
export interface Outcome {
  /** Commands that had something to do. */
  readonly counts: ReadonlyMap<CommandKind, number>;
  /** Texts and epochs in logs; times of healing; devices that came and went; frames that came twice; broken connections. */
  readonly sums: Readonly<
    Record<"texts" | "epochs" | "healed" | "linked" | "revoked" | "duplicated" | "broken", number>
  >;
  /** What was wrong; empty when nothing was. */
  readonly wrong: readonly string[];
}

const mostCommands = 200;
const identifierOf = (index: number): string => `+1555123${String(index).padStart(4, "0")}`;

const cast: fc.Arbitrary<Cast> = fc
  .record({ seed: fc.noShrink(fc.nat(0xffff_ffff)), people: fc.integer({ min: 2, max: 6 }), more: fc.nat(6) })
  .map(({ seed, people, more }) => ({ seed, people, devices: Math.max(3, people + more) }));

/** Plays commands, and then peace. */
export async function play(
  { seed, people, devices }: Cast,
  commands: Iterable<Command | CommandData>,
): Promise<Outcome> {
  const world = await SimulatedWorld.make(seed);
  // What is modelled is the same under every ciphersuite, and with X-Wing the keys take most of the time.
  if (seed % 4 !== 0) world.ciphersuite = "x25519";
  const stage = newStage(world);
  for (let i = 0; i < people; i++) await (await world.device(identifierOf(i))).start();
  await world.settle();
  for (let i = 0; i < devices - people; i++) {
    const linked = await world.linked(world.devices[i % people] as (typeof world.devices)[number]);
    await linked.start();
    stage.linkedBefore.add(linked);
  }
  await world.settle(60);
  const played = [...commands].map((one) => ("kind" in one ? new Command(one) : one));
  try {
    await fc.asyncModelRun(async () => ({ model: stage, real: world }), played);
    await peace(stage);
    return outcomeOf(stage, []);
  } catch (cause) {
    const stack = cause instanceof Error ? cause.stack : cause;
    return outcomeOf(stage, cause instanceof Wrong ? cause.wrong : [`it broke off: ${String(stack)}`]);
  } finally {
    for (const device of world.devices) device.kill();
  }
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

function outcomeOf({ world, counts, links, revoked }: Stage, wrong: readonly string[]): Outcome {
  const logs = [...world.witness.logs.values()];
  const sums = {
    texts: sum(logs, ({ texts }) => texts.length),
    epochs: sum(logs, ({ begins }) => begins.size),
    healed: sum(world.devices, ({ notices }) => notices.filter(({ type }) => type === "healed").length),
    linked: links.filter(({ device }) => device !== undefined).length,
    revoked: revoked.size,
    duplicated: sum(world.devices, ({ network }) => network.counts.duplicated),
    broken: sum(world.devices, ({ network }) => network.counts.broken),
  };
  return { counts, sums, wrong };
}

/** What a seed came to, and, if it failed, the shortest way found to a failure. */
export interface Run extends Outcome {
  readonly shortest?: {
    readonly cast: Cast;
    readonly commands: readonly CommandData[];
    readonly wrong: string;
  };
}

/** The run of a seed. @param shrinkMs how long a failure may be made shorter. */
export async function run(seed: number, shrinkMs = 0): Promise<Run> {
  const startedMs = performance.now();
  const first = await tries(seed, { endOnFailure: true });
  const tookMs = performance.now() - startedMs;
  if (shrinkMs === 0 || first.shortest === undefined) return first;
  const { shortest } = await tries(seed, { interruptAfterTimeLimit: tookMs + shrinkMs });
  return { ...first, ...(shortest !== undefined && { shortest }) };
}

/** Has fast-check play a seed, and what it makes of it if it fails. */
async function tries(
  seed: number,
  parameters: Pick<fc.Parameters, "endOnFailure" | "interruptAfterTimeLimit">,
): Promise<Run> {
  let first: Outcome | undefined;
  const commands = fc.commands([anyCommand], {
    maxCommands: mostCommands,
    size: "max",
    disableReplayLog: true,
  });
  const property = fc.asyncProperty(cast, commands, async (who, what) => {
    const outcome = await play(who, what as Iterable<Command>);
    first ??= outcome;
    if (outcome.wrong.length > 0) throw new Wrong(outcome.wrong);
  });
  const details = await fc.check(property, { seed, numRuns: 1, unbiased: true, ...parameters });
  if (first === undefined) throw details.errorInstance ?? new Error("nothing was played");
  if (!details.failed || details.counterexample === null) return first;
  const [who, what] = details.counterexample;
  return {
    ...first,
    shortest: {
      cast: who,
      commands: String(what) === "" ? [] : JSON.parse(`[${String(what)}]`),
      wrong: String(details.errorInstance),
    },
  };
}
