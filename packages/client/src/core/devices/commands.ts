/** What people do with their devices and their identity: take a lost one out, change the identity key, look at the list. */
import { createIdentity, findDevice } from "@sotto/crypto";
import { UsageError, parseId, toHex } from "@sotto/protocol";
import type { DeviceSummary } from "../../api.ts";
import type { Engine } from "../engine.ts";
import { deviceOf } from "../hex.ts";
import { lookUp, type Found } from "../lookups.ts";
import { connectionSettled } from "../people.ts";
import type { ListChange } from "../records.ts";
import type { Step } from "../step.ts";
import { request } from "../session.ts";
import { ask } from "./approving.ts";
import { openName } from "./names.ts";
import { LIST_PUBLISHED, ownList, proposeChange } from "./own-list.ts";
import { backedUp } from "./recovery.ts";

/** The devices of the account, revoked ones too. */
export async function listDevices(step: Step): Promise<readonly DeviceSummary[]> {
  const { own } = step.live;
  const summaries: DeviceSummary[] = [];
  for (const device of (await ownList(step)).list.devices) {
    summaries.push({
      id: toHex(device.deviceId),
      name: await openName(step.env, own.backupKey, device.sealedName),
      addedAt: Number(device.addedAtSec),
      current: toHex(device.deviceId) === own.device,
      revoked: device.revokedAtSec !== 0n,
    });
  }
  return summaries;
}

/** Publishes a change of the own list, and waits until the server has it. */
export async function changeList(engine: Engine, change: ListChange): Promise<void> {
  const { published } = await engine.run(async (step) => {
    await proposeChange(step, change);
    return { published: step.waiters.wait(LIST_PUBLISHED) };
  });
  await published;
}

/** Asks the server for the account's own list. @throws what the lookup failed with. */
async function refreshList(engine: Engine): Promise<void> {
  await connectionSettled(engine);
  const { promise, resolve } = Promise.withResolvers<Found>();
  await engine.run((step) =>
    lookUp(step, { account: step.live.own.account }, async (later, found) => {
      later.effects.push({ type: "settle", settle: () => resolve(found) });
    }),
  );
  const found = await promise;
  if (found.type === "failed") throw found.error;
}

/**
 * Takes a device out of the account and its groups.
 * @throws UsageError `device_unknown`, `usage` for this very device; TransportError, RefusedError when it is not known here and the server
 * cannot be asked.
 */
export async function revokeDevice(engine: Engine, id: string): Promise<void> {
  const { own } = engine.live;
  if (parseId(id) === undefined) throw new UsageError("device_unknown", "that is no device's id");
  if (id === own.device)
    throw new UsageError("usage", "a device cannot revoke itself: do it from another one");
  const listed = await engine.run(async (step) => findDevice((await ownList(step)).list, deviceOf(id)));
  // Another device may have let it in a moment ago, and whoever was told of it there wants it out now.
  if (listed === undefined) await refreshList(engine);
  await changeList(engine, { type: "revoke-device", device: id });
}

/** Stops a reset of the account that somebody began. */
export async function cancelReset(engine: Engine): Promise<void> {
  await ask(engine, (step, then) =>
    request(
      step,
      (number) => ({
        case: "cancelReset",
        value: { $typeName: "sotto.v1.CancelReset", request: number },
      }),
      then,
    ),
  );
}

/**
 * Gives the account a new identity key, which the old one signs. Contacts are shown that it changed. Resolves once the server has the list
 * and a backup with the new key: the recovery key opens nothing that leads on before.
 */
export async function rotateIdentity(engine: Engine): Promise<void> {
  const next = await engine.run(async (step) => createIdentity(step.env.crypto));
  await changeList(engine, { type: "identity", next });
  await engine.run(async (step) => {
    step.live.devices.backupDue = true;
  });
  await backedUp(engine);
}
