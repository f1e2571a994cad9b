/** Device lists in the scene of attacks: next versions, rightly or wrongly signed; devices that are on them and not up. */
import { create } from "@bufbuild/protobuf";
import {
  MLS_CIPHERSUITE_IDS,
  generateInboxKey,
  nextDeviceList,
  restoreDeviceList,
  signDeviceList,
} from "@sotto/crypto";
import { names } from "@sotto/client/parts";
import { DeviceSchema, EntryKind, toHex, type DeviceList, type SignedDeviceList } from "@sotto/protocol";
import type { SimulatedDevice } from "../../src/simulation/index.ts";
import { Intruder, bytes, engine, mlsProvider, provider, type Scene } from "./mls-scene.ts";

export const nowSec = (scene: Scene): number => Math.floor(scene.world.clock.nowMs() / 1000);

/** A device that nobody has. */
export const strange = (scene: Scene) =>
  create(DeviceSchema, {
    deviceId: provider.randomBytes(16),
    signatureKey: provider.randomBytes(32),
    inboxId: provider.randomBytes(16),
    inboxKey: provider.randomBytes(32),
    addedAtSec: BigInt(nowSec(scene)),
  });

/** The next version of somebody's device list, as its owner would sign it, or with another key. */
export async function nextList(
  scene: Scene,
  device: SimulatedDevice,
  change: (list: DeviceList) => void,
  key?: Uint8Array,
): Promise<SignedDeviceList> {
  const own = (await device.stored.get(names.own))!;
  const { deviceList, identityHistory } = (await device.stored.get(names.directory(own.account)))!;
  const known = await restoreDeviceList(provider, deviceList, identityHistory);
  const list = nextDeviceList(known, nowSec(scene));
  change(list);
  return signDeviceList(provider, list, key ?? own.identityKey.privateKey);
}

/** The owner of a device publishes the next list from elsewhere; the device's own program runs no more. */
export async function publishes(
  scene: Scene,
  device: SimulatedDevice,
  change: (list: DeviceList) => void,
): Promise<void> {
  const deviceList = await nextList(scene, device, change);
  const elsewhere = await Intruder.takeOver(scene, device);
  elsewhere.send({ case: "putDeviceList", value: { request: 1, deviceList } });
  await scene.world.settle(1);
}

/** A device of somebody's that is not up yet: what the list is to say of it, and how others become able to add it. */
export async function newDevice(scene: Scene, owner: SimulatedDevice) {
  const [deviceKey, inboxKey] = [await provider.ed25519Generate(), await generateInboxKey(mlsProvider)];
  const device = { ...strange(scene), signatureKey: deviceKey.publicKey, inboxKey: inboxKey.publicKey };
  const comesUp = async (): Promise<void> => {
    const { keyPackage } = await engine.createKeyPackage({
      ciphersuite: "x-wing",
      client: { accountId: bytes(owner.account), deviceId: device.deviceId },
      signatureKey: deviceKey,
      notBeforeSec: nowSec(scene) - 60,
      notAfterSec: nowSec(scene) + 86_400,
      lastResort: false,
    });
    const own = { account: owner.account, device: toHex(device.deviceId), deviceKey };
    const signedIn = await Intruder.signIn(scene, owner, own);
    const value = { ciphersuite: MLS_CIPHERSUITE_IDS["x-wing"], keyPackages: [keyPackage] };
    const put = (request: number) => ({ case: "putKeyPackages", value: { request, ...value } }) as const;
    const outcome = await signedIn.request(put);
    if (outcome !== "done") throw new Error(`the server answered ${outcome}`);
  };
  return { device, comesUp };
}

/** Its owner lost the first device, and has the new one. */
export const replacedBy =
  (device: DeviceList["devices"][number]) =>
  (list: DeviceList): void => {
    list.devices[0]!.revokedAtSec = list.createdAtSec;
    list.devices.push({ ...device, addedAtSec: list.createdAtSec });
  };

/** What the server does to a device beside passing on what it says. */
interface Unkind {
  /** Kinds of questions that it does not answer now. */
  readonly ignores?: () => readonly string[];
  /** It says nothing of lists that changed. */
  readonly tellsNothing?: boolean;
}

/** What a device appends to a log from now on, in order. */
export function appends(
  scene: Scene,
  device: SimulatedDevice,
  id: string,
  { ignores = () => [], tellsNothing = false }: Unkind = {},
) {
  const sent: { readonly kind: EntryKind; readonly epoch: number }[] = [];
  scene.lie(device, {
    up: (told) => {
      const { frame } = told;
      if (ignores().includes(frame.case ?? "")) return [];
      if (frame.case === "append" && toHex(frame.value.logId) === id)
        sent.push({ kind: frame.value.kind, epoch: Number(frame.value.epoch) });
      return [told];
    },
    down: (told) => (tellsNothing && told.frame.case === "deviceListChanged" ? [] : [told]),
  });
  return sent;
}
