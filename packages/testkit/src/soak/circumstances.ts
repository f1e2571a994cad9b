/** What surrounds people: the weather of the network, devices that come and go, and times of peace in which everything must come right. */
import type { SimulatedDevice, SimulatedWorld } from "../simulation/index.ts";
import { check } from "./check.ts";
import { bringUp } from "./faults.ts";
import { acknowledge } from "./identities.ts";
import { begin } from "./people.ts";
import { inUse, isAlone, lasting, messagesOf, type Action, type Stage } from "./stage.ts";
import { writeWhereNobodyHeard } from "./unheard.ts";

const mostDevices = 12;

/** Lets each device's network be as it may: delays, broken connections, servers out of reach, frames that come twice or out of turn. */
export function setWeather({ devices, random }: SimulatedWorld): void {
  for (const { network } of devices) {
    network.weather = {
      delayMs: [0, random.pick([0, 50, 400, 3_000])],
      breakChance: random.pick([0, 0.005, 0.03]),
      duplicateChance: random.pick([0, 0, 0.02]),
      reorderChance: 0,
      unreachableChance: random.pick([0, 0.2]),
    };
  }
}

/** Somebody lets a new device into their account, from one that they have. */
export function linkDevice(stage: Stage, approver: SimulatedDevice): Action | undefined {
  const asking = stage.links.filter(({ device }) => device === undefined).length;
  if (inUse(stage).length + asking >= mostDevices || stage.condemned.has(approver.device)) return undefined;
  return async () => {
    const { world, links } = stage;
    const { code, joined } = await world.newDevice(approver);
    const known = await messagesOf(approver);
    const link: Stage["links"][number] = {
      code,
      approver,
      known,
      expiresAtMs: world.clock.nowMs() + 600_000,
      device: undefined,
    };
    links.push(link);
    if (approver.alive) begin(stage, approver.up.approveLink(code));
    void comeUp(stage, link, joined);
  };
}

/** Once it is let in, the device runs. */
async function comeUp(
  stage: Stage,
  link: Stage["links"][number],
  joined: Promise<SimulatedDevice | undefined>,
): Promise<void> {
  try {
    link.device = await joined;
    if (link.device !== undefined) await bringUp(link.device);
  } catch (cause) {
    stage.faults.push(`a device could not join: ${String(cause)}`);
  }
}

/** Somebody takes another of their devices off the account: it was lost. */
export async function revokeDevice(
  stage: Stage,
  device: SimulatedDevice,
  b: number,
): Promise<Action | undefined> {
  const { world, ailing, condemned } = stage;
  const listed = await world.server.devicesOf(device.account);
  // Those among them that asked to be let in and never came up.
  const others = [...listed].filter(([id, used]) => used && id !== device.device).map(([id]) => id);
  const target = others[b % others.length];
  if (target === undefined || condemned.has(device.device)) return undefined;
  if (ailing !== undefined && (ailing.device === target || isAlone(stage, ailing, target))) return undefined;
  return () => {
    condemned.add(target);
    begin(stage, device.up.revokeDevice(target));
  };
}

/** Devices come back, networks carry; within hours everything is as it must be, and stays so. @throws Error telling what is not. */
export async function peace(stage: Stage): Promise<void> {
  const { world } = stage;
  for (const device of world.devices) {
    device.fate = () => false;
    device.network.heal();
    device.network.weather = {
      ...device.network.weather,
      breakChance: 0,
      duplicateChance: 0,
      reorderChance: 0,
      unreachableChance: 0,
    };
    if (!device.alive) await bringUp(device);
  }
  await world.settle(30);
  // Whoever sees that nothing came of it types the code again.
  const remain = lasting(stage);
  for (const { code, approver, device, expiresAtMs } of stage.links) {
    if (device !== undefined || expiresAtMs <= world.clock.nowMs() || !remain.has(approver.device)) continue;
    begin(stage, approver.up.approveLink(code));
  }
  let wrong: readonly string[] = ["nothing was looked at"];
  for (const pauseSec of [30, 60, 120, 600, 600, 1_200, 3_600, 3_600]) {
    for (const device of inUse(stage)) if (device.alive) await acknowledge(stage, device);
    await world.settle(pauseSec);
    wrong = await check(stage);
    if (wrong.length === 0) break;
    await writeWhereNobodyHeard(stage);
  }
  stage.ailing = undefined;
  stage.condemned.clear();
  if (wrong.length > 0) throw new Wrong(wrong);
}

/** What did not come right. */
export class Wrong extends Error {
  readonly wrong: readonly string[];

  constructor(wrong: readonly string[]) {
    super(wrong.join("\n  "));
    this.wrong = wrong;
  }
}
