/** What goes wrong with a device: its process dies, its disk fails, its state is damaged, or an old copy of it is put in its place. */
import { groupNames } from "@sotto/client/parts";
import { LIMITS, SealedContentSchema, decode } from "@sotto/protocol";
import type { SimulatedDevice } from "../simulation/index.ts";
import { isAlone, noteGap, type Action, type Stage } from "./stage.ts";

/** Brings a device up that will live until somebody kills it. */
export async function bringUp(device: SimulatedDevice): Promise<void> {
  device.fate = () => false;
  await device.start();
}

/** Has a device die, or fail, at one of its next effects. */
export function dieAt(device: SimulatedDevice, effects: number, how: "before" | "after" | "fails"): void {
  let left = effects;
  device.fate = () => (left-- === 0 ? how : false);
}

/** Whether others can put a device right, should its state be lost now. */
const mayAil = (stage: Stage, device: SimulatedDevice): boolean =>
  !isAlone(stage, device) && (stage.ailing ?? device) === device && !stage.condemned.has(device.device);

/** Puts a device back to a copy of its vault. */
export async function restore(stage: Stage, device: SimulatedDevice, b: number): Promise<Action | undefined> {
  const copies = stage.copies.get(device) ?? [];
  const copy = copies[b % copies.length];
  if (copy === undefined || !mayAil(stage, device)) return undefined;
  const missing = await reliedOn(device, device.copy());
  for (const one of await reliedOn(device, copy)) missing.delete(one);
  if (missing.size > 0) return undefined;
  return async () => {
    device.kill();
    device.restore(copy);
    stage.ailing = device;
    stage.restored.add(device);
    stage.tampered.add(device);
    const cursors = new Map((await device.groups()).map(({ id, cursor }) => [id, cursor]));
    for (const { id } of stage.world.witness.logs.values()) noteGap(stage, device, id, cursors.get(id) ?? 0);
    await bringUp(device);
  };
}

/**
 * What others rely on: groups with their people, KeyPackages, and Welcomes that were acked and not taken in yet. A copy that lacks one of
 * them does not heal by itself: it does not know what it lacks, and believes no Welcome of somebody whom it does not know in a group.
 */
async function reliedOn(
  device: SimulatedDevice,
  copy: ReturnType<SimulatedDevice["copy"]>,
): Promise<Set<string>> {
  const stored = device.look(copy);
  const keyPackages = await stored.page(groupNames.keyPackages);
  const people = (await device.groups(stored)).flatMap(({ id, accounts }) =>
    accounts.map((one) => `${id} ${one}`),
  );
  const held = (await stored.page(groupNames.heldItems)).filter(
    ({ value }) =>
      decode(SealedContentSchema, value.content, LIMITS.maxEntryBytes).content.case === "welcome",
  );
  return new Set([
    ...people,
    ...keyPackages.map(({ value }) => value.ref),
    ...held.map(({ value }) => `held ${value.seq}`),
  ]);
}

/** Takes a group's state away, or breaks it. */
export async function damage(
  stage: Stage,
  device: SimulatedDevice,
  b: number,
  c: number,
): Promise<Action | undefined> {
  const groups = (await device.groups()).filter(({ state }) => state === "joined");
  const record = groups[b % groups.length];
  if (record === undefined || !mayAil(stage, device)) return undefined;
  const name = groupNames.state(record.id);
  return async () => {
    device.kill();
    // Damaged before, and not put right yet: it cannot be read.
    const state = await device.stored.get(name).catch(() => undefined);
    if (state === undefined) return bringUp(device);
    if (c % 2 === 0) await device.tamper((draft) => draft.delete(name));
    else await device.spoil((draft) => draft.put(name, state));
    stage.ailing = device;
    stage.tampered.add(device);
    noteGap(stage, device, record.id, record.cursor);
    await bringUp(device);
  };
}

/** Somebody in a pair or group, or the server, ends its log with a COMMIT that is none: it is made anew, and nothing is lost. */
export async function wreck(
  stage: Stage,
  device: SimulatedDevice,
  kind: "pair" | "group",
  b: number,
): Promise<Action | undefined> {
  const groups = (await device.groups()).filter((one) => one.kind === kind && one.state === "joined");
  const group = groups[b % groups.length];
  if (group === undefined || (kind === "group" && stage.ailing !== undefined)) return undefined;
  return async () => {
    stage.wrecked.add(group.id);
    await stage.world.server.wreck(group);
  };
}
