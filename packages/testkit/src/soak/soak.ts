/**
 * One run of a soak: some people, a list of commands, and peace now and then, in which everything must come right. A run is decided by its
 * seed; a failing one can be made shorter.
 */
import { SeededRandom } from "../random.ts";
import { SimulatedWorld } from "../simulation/index.ts";
import { check } from "./check.ts";
import {
  carryOut,
  drawCommand,
  newStage,
  noteLeft,
  type Command,
  type CommandKind,
  type Stage,
} from "./commands.ts";

/** What is played. */
export interface Play {
  readonly seed: number;
  readonly people: number;
  readonly commands: readonly Command[];
  /** Commands between two times of peace. */
  readonly peaceEvery: number;
}

/** What came of it. */
export interface Outcome {
  /** Commands that had something to do. */
  readonly counts: ReadonlyMap<CommandKind, number>;
  /** Texts in logs, epochs, times of healing. */
  readonly texts: number;
  readonly epochs: number;
  readonly healed: number;
  /** What was wrong, and after how many commands; empty when nothing was. */
  readonly wrong: readonly string[];
  readonly after: number;
}

const identifierOf = (index: number): string => `+1555123${String(index).padStart(4, "0")}`;

/** The run of a seed. */
export function playOf(seed: number, commands = 120): Play {
  const random = new SeededRandom(seed);
  return {
    seed,
    people: 3 + random.integer(4),
    commands: Array.from({ length: commands }, () => drawCommand(random)),
    peaceEvery: 40,
  };
}

/** Plays. */
export async function play({ seed, people, commands, peaceEvery }: Play): Promise<Outcome> {
  const world = await SimulatedWorld.make(seed);
  for (let i = 0; i < people; i++) await world.device(identifierOf(i));
  const stage = newStage(world);
  const counts = new Map<CommandKind, number>();
  for (const device of world.devices) await device.start();
  await world.settle();
  let wrong: readonly string[] = [];
  let after = 0;
  for (const command of commands) {
    if (after % peaceEvery === 0) setWeather(world);
    if (await carryOut(stage, command)) counts.set(command.kind, (counts.get(command.kind) ?? 0) + 1);
    await world.settle(command.pauseMs / 1000);
    await noteLeft(stage);
    after++;
    if (after % peaceEvery !== 0 && after !== commands.length) continue;
    wrong = await peace(stage);
    if (wrong.length > 0) break;
  }
  const logs = [...world.witness.logs.values()];
  for (const device of world.devices) device.kill();
  return {
    counts,
    texts: logs.reduce((sum, { texts }) => sum + texts.length, 0),
    epochs: logs.reduce((sum, { begins }) => sum + begins.size, 0),
    healed: world.devices.flatMap(({ notices }) => notices.filter(({ type }) => type === "healed")).length,
    wrong,
    after,
  };
}

function setWeather({ devices, random }: SimulatedWorld): void {
  for (const { network } of devices) {
    network.weather = {
      delayMs: [0, random.pick([0, 50, 400])],
      breakChance: random.pick([0, 0.005, 0.03]),
      duplicateChance: 0,
      reorderChance: 0,
      unreachableChance: random.pick([0, 0.2]),
    };
  }
}

/** Devices come back, networks carry; within hours everything is as it must be, and stays so. */
async function peace(stage: Stage): Promise<readonly string[]> {
  const { world } = stage;
  for (const device of world.devices) {
    device.fate = () => false;
    device.network.heal();
    device.network.weather = { ...device.network.weather, breakChance: 0, unreachableChance: 0 };
    if (!device.alive) await device.start();
  }
  let wrong: readonly string[] = ["nothing was looked at"];
  for (const pauseSec of [60, 120, 600, 600, 1_200, 3_600, 3_600]) {
    await world.settle(pauseSec);
    wrong = await check(stage);
    if (wrong.length === 0) break;
  }
  stage.ailing = undefined;
  return wrong;
}

/** What went wrong first, without ids and numbers. */
const alike = (wrong: readonly string[]): string | undefined =>
  wrong[0]?.replaceAll(/[0-9a-f+]{6,}|\d+/g, "");

/** Leaves out of a failing run whatever it fails without, in the same way. @param within how many tries. */
export async function shorten(failing: Play, within = 200): Promise<Play> {
  const { wrong, after } = await play(failing);
  let best = { ...failing, commands: failing.commands.slice(0, after) };
  for (let size = Math.ceil(after / 2), tries = 0; size >= 1; size = Math.floor(size / 2)) {
    for (let from = best.commands.length - size; from >= 0 && tries < within; from -= size, tries++) {
      const shorter = { ...best, peaceEvery: 10_000, commands: best.commands.toSpliced(from, size) };
      if (alike((await play(shorter)).wrong) === alike(wrong)) best = shorter;
    }
  }
  return best;
}
