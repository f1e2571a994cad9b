/**
 * The world in which a soak plays, and what is known of it beside what its witness sees: the model. Who is in use, who was put back or
 * damaged, which stretches of a log a device need not show.
 */
import { names } from "@sotto/client/parts";
import type { SimulatedDevice, SimulatedWorld, VaultCopy } from "../simulation/index.ts";
import type { CommandKind } from "./commands.ts";

/** A stretch of a log that a device need not show, since it had lost its state: from behind one seq up to when it was added anew. */
interface Gap {
  readonly device: SimulatedDevice;
  readonly log: string;
  readonly after: number;
  /** Only a time that it was added later than this ends it. */
  readonly joinsBefore: number;
}

/** A device that asked to be let into an account. */
export interface Link {
  readonly code: string;
  readonly approver: SimulatedDevice;
  /** What the approver knew when it was asked, as messagesOf says: the new device is to get it. */
  readonly known: ReadonlyMap<string, string | undefined>;
  readonly expiresAtMs: number;
  /** undefined: not yet. */
  device: SimulatedDevice | undefined;
}

/** What a command found to do. */
export type Action = () => Promise<unknown> | void;

/** The world, and what is known of it. */
export interface Stage {
  readonly world: SimulatedWorld;
  readonly copies: Map<SimulatedDevice, VaultCopy[]>;
  readonly gaps: Gap[];
  readonly links: Link[];
  /** Devices that were linked before the first command. */
  readonly linkedBefore: Set<SimulatedDevice>;
  /** Which device has left which group now. */
  readonly left: Set<string>;
  /** Devices that are off their account's list, and ids of those that somebody wants off it. */
  readonly revoked: Set<SimulatedDevice>;
  readonly condemned: Set<string>;
  /** Accounts whose identity key changed, or was to. */
  readonly rotated: Set<string>;
  /** Pairs and groups whose log was ended by a COMMIT that is none. */
  readonly wrecked: Set<string>;
  /** Messages that somebody deleted for everybody. */
  readonly takenBack: Set<string>;
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
  /** Commands that had something to do. */
  readonly counts: Map<CommandKind, number>;
}

/** A stage on which nothing has happened yet. */
export function newStage(world: SimulatedWorld): Stage {
  return {
    world,
    copies: new Map(),
    gaps: [],
    links: [],
    linkedBefore: new Set(),
    left: new Set(),
    revoked: new Set(),
    condemned: new Set(),
    rotated: new Set(),
    wrecked: new Set(),
    takenBack: new Set(),
    restored: new Set(),
    tampered: new Set(),
    ailing: undefined,
    faults: [],
    groupsMade: 0,
    textsSent: 0,
    counts: new Map(),
  };
}

/** The devices that are on their accounts' lists. */
export const inUse = ({ world, revoked }: Stage): readonly SimulatedDevice[] =>
  world.devices.filter((device) => !revoked.has(device));

/** Ids of devices in use that nobody wants off their list. */
export const lasting = (stage: Stage): ReadonlySet<string> =>
  new Set(
    inUse(stage)
      .map(({ device }) => device)
      .filter((device) => !stage.condemned.has(device)),
  );

/** Whether a device is, or will be, the only one in some group: nobody could put it right there. */
export function isAlone(stage: Stage, { device }: SimulatedDevice, without?: string): boolean {
  const others = lasting(stage);
  return [...stage.world.witness.logs.values()].some(({ members, epoch }) => {
    const present = members.get(epoch);
    if (present?.has(device) !== true) return false;
    return ![...present].some((one) => one !== device && one !== without && others.has(one));
  });
}

/** From now on a device need not show what a log holds behind a seq, until it is added anew. */
export function noteGap(stage: Stage, device: SimulatedDevice, log: string, after: number): void {
  const joins = stage.world.witness.logs.get(log)?.joins ?? [];
  const joinsBefore = joins.filter((join) => join.device === device.device).length;
  stage.gaps.push({ device, log, after, joinsBefore });
}

/** Takes note of what the last command came to: who left, who was revoked. */
export async function takeNote(stage: Stage): Promise<void> {
  await noteRevoked(stage);
  for (const device of stage.world.devices) {
    for (const { id, state, cursor } of await device.groups()) {
      const key = `${device.label} ${id}`;
      if (state !== "left") stage.left.delete(key);
      else if (!stage.left.has(key)) {
        stage.left.add(key);
        noteGap(stage, device, id, cursor);
      }
    }
  }
}

async function noteRevoked({ world, revoked }: Stage): Promise<void> {
  for (const account of new Set(world.devices.map((device) => device.account))) {
    const listed = await world.server.devicesOf(account);
    for (const device of world.devices) {
      if (device.account === account && listed.get(device.device) !== true) revoked.add(device);
    }
  }
}

/** All messages that lie in a device's vault, but those that never went out: by id, the group, or undefined for those of two people. */
export async function messagesOf(device: SimulatedDevice): Promise<ReadonlyMap<string, string | undefined>> {
  const { stored } = device;
  const lists = new Map<string, string | undefined>();
  for (const { id, conversation, kind } of await device.groups()) {
    if (kind === "group") lists.set(conversation, id);
  }
  for (const { value } of await stored.page(names.contacts)) {
    for (const list of value.conversations) lists.set(list, undefined);
  }
  const ids = new Map<string, string | undefined>();
  for (const [list, group] of lists) {
    for (const { value } of await stored.page(names.messages(list))) {
      if (value.status !== "queued" && value.status !== "failed") ids.set(value.id, group);
    }
  }
  return ids;
}
