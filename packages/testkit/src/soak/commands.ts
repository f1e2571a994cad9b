/**
 * What happens in a soak: commands as plain data, drawn from a seed, so that a run can be played again and made shorter. Numbers in them
 * choose among what there is when they are carried out; a command that finds nothing to act on does nothing, and is not counted.
 */
import { SottoError } from "@sotto/protocol";
import { groupNames } from "@sotto/client/parts";
import type { Group } from "@sotto/client";
import type { SeededRandom } from "../random.ts";
import type { SimulatedDevice, SimulatedWorld, VaultCopy } from "../simulation/index.ts";

/** How often each kind comes, among all. */
const weights = {
  send: 24,
  "send-group": 30,
  "create-group": 4,
  add: 8,
  remove: 5,
  leave: 2,
  rename: 4,
  admin: 3,
  race: 4,
  read: 6,
  partition: 4,
  heal: 6,
  cut: 5,
  crash: 8,
  kill: 3,
  start: 10,
  "fail-write": 2,
  "restart-server": 1,
  copy: 4,
  restore: 2,
  damage: 2,
  jump: 2,
  wait: 6,
} as const;

/** A kind of command. */
export type CommandKind = keyof typeof weights;

/** A command. `a`, `b` and `c` choose; each is below 2^16. */
export interface Command {
  readonly kind: CommandKind;
  /** How long the next one waits. */
  readonly pauseMs: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Every kind of command. */
export const COMMAND_KINDS = Object.keys(weights) as readonly CommandKind[];
const lot: readonly CommandKind[] = COMMAND_KINDS.flatMap((kind) =>
  Array.from({ length: weights[kind] }, () => kind),
);

/** Draws a command. */
export function drawCommand(random: SeededRandom): Command {
  const number = (): number => random.integer(0x1_0000);
  const pauseMs = random.integer(random.chance(0.5) ? 300 : 4_000);
  return { kind: random.pick(lot), pauseMs, a: number(), b: number(), c: number() };
}

/** A stretch of a log that a device need not show, since it had lost its state: from behind one seq up to when it was added anew. */
interface Gap {
  readonly device: SimulatedDevice;
  readonly log: string;
  readonly after: number;
  /** Only a time that it was added later than this ends it. */
  readonly joinsBefore: number;
}

/** The world in which a soak plays, and what is known of it beside what the witness sees. */
export interface Stage {
  readonly world: SimulatedWorld;
  readonly copies: Map<SimulatedDevice, VaultCopy[]>;
  readonly gaps: Gap[];
  /** Which device has left which group now. */
  readonly left: Set<string>;
  /** Devices that were put back to an older copy. */
  readonly restored: Set<SimulatedDevice>;
  /** Devices whose state was damaged or put back. */
  readonly tampered: Set<SimulatedDevice>;
  /** The one of them that may not have been put right yet: where everybody lost a group, nobody can put the others right. */
  ailing: SimulatedDevice | undefined;
  /** What must never happen. */
  readonly faults: string[];
  groupsMade: number;
  textsSent: number;
}

/** A stage on which nothing has happened yet. */
export function newStage(world: SimulatedWorld): Stage {
  return {
    left: new Set(),
    ailing: undefined,
    world,
    copies: new Map(),
    gaps: [],
    restored: new Set(),
    tampered: new Set(),
    faults: [],
    groupsMade: 0,
    textsSent: 0,
  };
}

/** Refusals that an honest person may meet: somebody else was first, or there is no connection now. */
const expected = new Set([
  "group_forbidden",
  "group_unknown",
  "contact_unknown",
  "connection_lost",
  "server_unreachable",
  "identifier_not_found",
  "storage_failed",
  "usage",
  "unavailable",
  "rate_limited",
  "draining",
  "no_usable_key",
]);

/** Begins something whose outcome is not waited for: the process may be killed first. */
function begin(stage: Stage, work: Promise<unknown>): true {
  work.catch((cause: unknown) => {
    if (cause instanceof SottoError && expected.has(cause.code)) return;
    stage.faults.push(`a call failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : cause}`);
  });
  return true;
}

const at = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length];

/** Carries a command out. Returns whether there was anything to do. */
export async function carryOut(stage: Stage, { kind, a, b, c }: Omit<Command, "pauseMs">): Promise<boolean> {
  const { world } = stage;
  const device = at(world.devices, a) as SimulatedDevice;
  const others = world.devices.filter((other) => other.account !== device.account);
  const other = at(others, b) as SimulatedDevice;
  switch (kind) {
    case "kill":
      if (!device.alive) return false;
      device.kill();
      return true;
    case "start":
      return start(
        at(
          world.devices.filter(({ alive }) => !alive),
          a,
        ),
      );
    case "crash":
      return dieAt(device, b % 12, c % 2 === 0 ? "before" : "after");
    case "fail-write":
      return dieAt(device, b % 12, "fails");
    case "partition":
      device.network.partition();
      return true;
    case "heal":
      device.network.heal();
      return true;
    case "cut":
      device.network.breakAll();
      return true;
    case "restart-server":
      world.server.restart();
      return true;
    case "jump":
      world.clock.jump([60_000, 700_000, 3_600_000, 86_400_000, 8 * 86_400_000][b % 5] as number);
      return true;
    case "wait":
      await world.settle(b % 30);
      return true;
    case "copy":
      stage.copies.set(device, [...(stage.copies.get(device) ?? []), device.copy()]);
      return true;
    case "restore":
      return restore(stage, device, b);
    case "damage":
      return damage(stage, device, b, c);
    default:
      if (!device.alive) return false;
      return use(stage, device, other, { kind, a, b, c });
  }
}

function start(device: SimulatedDevice | undefined): boolean {
  if (device === undefined) return false;
  device.fate = () => false;
  void device.start();
  return true;
}

/** Has a device die, or fail, at one of its next effects. */
function dieAt(device: SimulatedDevice, effects: number, how: "before" | "after" | "fails"): boolean {
  if (!device.alive) return false;
  let left = effects;
  device.fate = () => (left-- === 0 ? how : false);
  return true;
}

/** What people do with a running device. */
async function use(
  stage: Stage,
  device: SimulatedDevice,
  other: SimulatedDevice,
  { kind, b, c }: Omit<Command, "pauseMs">,
): Promise<boolean> {
  const { up, world } = { up: device.up, world: stage.world };
  const people = world.devices.filter(({ account }) => account !== device.account);
  if (kind === "send") return begin(stage, up.send(other.identifier, `text ${++stage.textsSent}`));
  if (kind === "create-group") {
    const members = people.filter((_, i) => ((b >> i) & 1) === 1).map(({ identifier }) => identifier);
    return begin(stage, up.createGroup(`group ${++stage.groupsMade}`, members));
  }
  const groups = await settled(up.groups());
  const group = at(groups?.filter(({ state }) => state === "joined") ?? [], b);
  if (kind === "read") {
    const peer = c % 2 === 0 || group === undefined ? other.identifier : group.id;
    return begin(stage, up.markRead(peer));
  }
  if (group === undefined) return false;
  if (kind === "race") return race(stage, group, c);
  switch (kind) {
    case "send-group":
      for (let i = 0; i <= c % 3; i++) begin(stage, up.send(group.id, `text ${++stage.textsSent}`));
      return true;
    case "rename":
      return begin(stage, up.renameGroup(group.id, `renamed ${c}`));
    case "leave":
      return begin(stage, up.leaveGroup(group.id));
  }
  const record = (await device.groups()).find(({ id }) => id === group.id);
  const inside = people.filter(({ account }) => record?.accounts.includes(account));
  const outside = people.filter((one) => !inside.includes(one));
  const chosen = at(kind === "add" ? outside : inside, c);
  if (chosen === undefined) return false;
  const who = [chosen.identifier];
  switch (kind) {
    case "add":
      return begin(stage, up.addToGroup(group.id, who));
    case "remove":
      return begin(stage, up.removeFromGroup(group.id, who));
    case "admin":
      return begin(stage, up.setAdmins(group.id, who, c % 4 !== 0));
    default:
      return false;
  }
}

/** Everybody changes a group at the same time. */
async function race(stage: Stage, group: Group, c: number): Promise<boolean> {
  for (const device of stage.world.devices) {
    if (!device.alive) continue;
    const groups = await settled(device.up.groups());
    if (groups?.some(({ id, admin, state }) => id === group.id && admin && state === "joined") !== true)
      continue;
    begin(stage, device.up.renameGroup(group.id, `raced ${c} ${device.identifier}`));
    begin(stage, device.up.send(group.id, `text ${++stage.textsSent}`));
  }
  return true;
}

/** What a call comes to; undefined when the process dies first. */
async function settled<T>(work: Promise<T>): Promise<T | undefined> {
  return Promise.race([
    work.catch(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(resolve, 50)),
  ]);
}

async function restore(stage: Stage, device: SimulatedDevice, b: number): Promise<boolean> {
  const copy = at(stage.copies.get(device) ?? [], b);
  if (copy === undefined || isAlone(stage, device) || (stage.ailing ?? device) !== device) return false;
  device.kill();
  const now = device.copy();
  const before = await whatOthersRelyOn(device);
  device.restore(copy);
  const copied = await whatOthersRelyOn(device);
  if ([...before].some((one) => !copied.has(one))) {
    device.restore(now);
    return start(device);
  }
  stage.ailing = device;
  stage.restored.add(device);
  stage.tampered.add(device);
  const cursors = new Map((await device.groups()).map(({ id, cursor }) => [id, cursor]));
  for (const log of stage.world.witness.logs.values()) {
    stage.gaps.push(gapOf(stage, device, log.id, cursors.get(log.id) ?? 0));
  }
  return start(device);
}

/** Whoever left reads no more, though the group may take notice of it later. */
export async function noteLeft(stage: Stage): Promise<void> {
  for (const device of stage.world.devices) {
    for (const { id, state, cursor } of await device.groups()) {
      const key = `${device.identifier} ${id}`;
      if (state !== "left") stage.left.delete(key);
      else if (!stage.left.has(key)) {
        stage.left.add(key);
        stage.gaps.push(gapOf(stage, device, id, cursor));
      }
    }
  }
}

/** Whether a device is the only one in some group: nobody could put it right there. */
function isAlone({ world }: Stage, { device }: SimulatedDevice): boolean {
  return [...world.witness.logs.values()].some(({ members, epoch }) => {
    const present = members.get(epoch);
    return present?.size === 1 && present.has(device);
  });
}

/**
 * Groups with their people, and KeyPackages. A copy that lacks one of them does not heal by itself: it does not know what it lacks, and
 * believes no Welcome of somebody whom it does not know in a group.
 */
async function whatOthersRelyOn(device: SimulatedDevice): Promise<Set<string>> {
  const keyPackages = await device.stored.page(groupNames.keyPackages);
  const people = (await device.groups()).flatMap(({ id, accounts }) => accounts.map((one) => `${id} ${one}`));
  return new Set([...people, ...keyPackages.map(({ value }) => value.ref)]);
}

function gapOf(stage: Stage, device: SimulatedDevice, log: string, after: number): Gap {
  const joins = stage.world.witness.logs.get(log)?.joins ?? [];
  return { device, log, after, joinsBefore: joins.filter((join) => join.device === device.device).length };
}

/** Takes a group's state away, or breaks it. */
async function damage(stage: Stage, device: SimulatedDevice, b: number, c: number): Promise<boolean> {
  const record = at(
    (await device.groups()).filter(({ state }) => state === "joined"),
    b,
  );
  if (record === undefined || isAlone(stage, device) || (stage.ailing ?? device) !== device) return false;
  device.kill();
  const name = groupNames.state(record.id);
  const state = await device.stored.get(name);
  if (state === undefined) return false;
  if (c % 2 === 0) await device.tamper((draft) => draft.delete(name));
  else await device.spoil((draft) => draft.put(name, state));
  stage.ailing = device;
  stage.tampered.add(device);
  stage.gaps.push(gapOf(stage, device, record.id, record.cursor));
  return start(device);
}
