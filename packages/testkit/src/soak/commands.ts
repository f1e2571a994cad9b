/**
 * What happens in a soak: fast-check commands over plain data, so that a run can be played again, made shorter, and written down in a test.
 * Numbers in them choose among what there is when they are carried out; one that finds nothing to act on is passed over, and not counted.
 */
import * as fc from "fast-check";
import type { SimulatedDevice, SimulatedWorld } from "../simulation/index.ts";
import { linkDevice, peace, revokeDevice, setWeather } from "./circumstances.ts";
import { bringUp, damage, dieAt, restore, wreck } from "./faults.ts";
import { acknowledge, rotateIdentity } from "./identities.ts";
import { use } from "./people.ts";
import { inUse, takeNote, type Action, type Stage } from "./stage.ts";

/** How often each kind comes, among all. */
const weights = {
  send: 24,
  "send-group": 30,
  "create-group": 6,
  add: 8,
  remove: 5,
  leave: 2,
  rename: 4,
  admin: 3,
  race: 4,
  read: 6,
  react: 6,
  edit: 4,
  "take-back": 2,
  link: 2,
  revoke: 1,
  rotate: 1,
  acknowledge: 3,
  partition: 4,
  heal: 6,
  cut: 5,
  weather: 4,
  crash: 8,
  kill: 3,
  start: 10,
  "fail-write": 2,
  "restart-server": 1,
  copy: 5,
  restore: 5,
  damage: 2,
  wreck: 1,
  "wreck-group": 2,
  jump: 2,
  wait: 6,
  peace: 3,
} as const;

/** A kind of command. */
export type CommandKind = keyof typeof weights;

/** A command. `a`, `b` and `c` choose; each is below 2^16. */
export interface CommandData {
  readonly kind: CommandKind;
  /** How long the next one waits. */
  readonly pauseMs: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Every kind of command. */
export const COMMAND_KINDS = Object.keys(weights) as readonly CommandKind[];

/** A command as fast-check plays it. */
export class Command implements fc.AsyncCommand<Stage, SimulatedWorld, true> {
  readonly data: CommandData;
  #action: Action | undefined;

  constructor(data: CommandData) {
    this.data = data;
  }

  async check(stage: Readonly<Stage>): Promise<boolean> {
    this.#action = await plan(stage, this.data);
    return this.#action !== undefined;
  }

  async run(stage: Stage, world: SimulatedWorld): Promise<void> {
    const { kind, pauseMs } = this.data;
    stage.counts.set(kind, (stage.counts.get(kind) ?? 0) + 1);
    await this.#action?.();
    await world.settle(pauseMs / 1000);
    await takeNote(stage);
  }

  toString(): string {
    return JSON.stringify(this.data);
  }
}

const number = fc.nat(0xffff);
const pause = fc.oneof(fc.nat(300), fc.nat(4_000));
const kinds = COMMAND_KINDS.map((kind) => ({ weight: weights[kind], arbitrary: fc.constant(kind) }));

/** Any command. */
export const anyCommand: fc.Arbitrary<Command> = fc
  .record({ kind: fc.oneof(...kinds), pauseMs: pause, a: number, b: number, c: number })
  .map((data) => new Command(data));

const at = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length];

/** What a command finds to do now; undefined when there is nothing. Changes nothing. */
async function plan(stage: Stage, { kind, a, b, c }: CommandData): Promise<Action | undefined> {
  const { world } = stage;
  const devices = inUse(stage);
  const device = at(devices, a) as SimulatedDevice;
  switch (kind) {
    case "start": {
      const dead = at(
        devices.filter(({ alive }) => !alive),
        a,
      );
      return dead && (() => bringUp(dead));
    }
    case "partition":
      return () => device.network.partition();
    case "heal":
      return () => device.network.heal();
    case "cut":
      return () => device.network.breakAll();
    case "weather":
      return () => setWeather(world);
    case "restart-server":
      return () => world.server.restart();
    case "jump":
      return () =>
        world.clock.jump([60_000, 700_000, 3_600_000, 86_400_000, 8 * 86_400_000][b % 5] as number);
    case "wait":
      return () => world.settle(b % 30);
    case "peace":
      return () => peace(stage);
    case "copy":
      return () => void stage.copies.set(device, [...(stage.copies.get(device) ?? []), device.copy()]);
    case "restore":
      return restore(stage, device, b);
    case "damage":
      return damage(stage, device, b, c);
    case "wreck":
      return wreck(stage, device, "pair", b);
    case "wreck-group":
      return wreck(stage, device, "group", b);
  }
  if (!device.alive) return undefined;
  switch (kind) {
    case "kill":
      return () => device.kill();
    case "crash":
      return () => dieAt(device, b % 12, c % 2 === 0 ? "before" : "after");
    case "fail-write":
      return () => dieAt(device, b % 12, "fails");
    case "link":
      return linkDevice(stage, device);
    case "revoke":
      return revokeDevice(stage, device, b);
    case "rotate":
      return rotateIdentity(stage, device);
    case "acknowledge":
      return () => acknowledge(stage, device);
    default:
      return use(stage, device, { kind, b, c });
  }
}
