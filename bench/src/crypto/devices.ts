/** Devices with their engine, KeyPackages made before the clock starts, and groups of them. */
import {
  type Ed25519KeyPair,
  type MlsCiphersuite,
  type MlsClient,
  type MlsEngine,
  type MlsGroup,
  type NewKeyPackage,
  type VerifiedKeyPackage,
  createMlsEngine,
} from "@sotto/crypto";
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";

const crypto = nodeProvider();
const provider = nodeMlsProvider(crypto);
/** The clock of the bench, seconds since 1970-01-01 UTC. */
const nowSec = Math.floor(Date.now() / 1000);

/** A device that takes part. Each has an engine of its own, as if it were alone in its process. */
export interface Device {
  readonly engine: MlsEngine;
  readonly client: MlsClient;
  readonly signatureKey: Ed25519KeyPair;
}

/** A device and a KeyPackage that it published. */
export interface Guest {
  readonly device: Device;
  readonly published: NewKeyPackage;
}

/** Device number n, of a person of its own. */
export async function newDevice(n: number): Promise<Device> {
  return {
    engine: createMlsEngine(provider),
    client: { accountId: id(n), deviceId: id(n + 0x10000) },
    signatureKey: await crypto.ed25519Generate(),
  };
}

function id(n: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** Devices 1 to `count` with KeyPackages. */
export async function newGuests(ciphersuite: MlsCiphersuite, count: number): Promise<Guest[]> {
  const guests: Guest[] = [];
  for (let n = 1; n <= count; n++) {
    const device = await newDevice(n);
    guests.push({ device, published: await publish(device, ciphersuite) });
  }
  return guests;
}

/** A fresh KeyPackage. */
export function publish(device: Device, ciphersuite: MlsCiphersuite): Promise<NewKeyPackage> {
  return device.engine.createKeyPackage({
    ciphersuite,
    client: device.client,
    signatureKey: device.signatureKey,
    notBeforeSec: nowSec - 3600,
    notAfterSec: nowSec + 86_400,
    lastResort: false,
  });
}

/** A group of one. */
export function newGroup(by: Device, ciphersuite: MlsCiphersuite): Promise<MlsGroup> {
  return by.engine.createGroup({
    groupId: crypto.randomBytes(16),
    ciphersuite,
    client: by.client,
    signatureKey: by.signatureKey,
    groupData: new Uint8Array(64),
    nowSec,
  });
}

/** Reads and verifies KeyPackages as they come from the server. Copies, so that no cache knows them. */
export async function accept(
  by: Device,
  ciphersuite: MlsCiphersuite,
  guests: readonly Guest[],
): Promise<VerifiedKeyPackage[]> {
  const accepted: VerifiedKeyPackage[] = [];
  for (const { device, published } of guests) {
    const read = await by.engine.readKeyPackage(Uint8Array.from(published.keyPackage));
    const expected = {
      ...device.client,
      signatureKey: Uint8Array.from(device.signatureKey.publicKey),
      ciphersuite,
    };
    accepted.push(by.engine.verifyKeyPackage(read, expected, nowSec));
  }
  return accepted;
}

/** Joins by a Welcome and the tree beside it. */
export async function join(
  { device, published }: Guest,
  welcome: Uint8Array,
  tree: Uint8Array,
): Promise<MlsGroup> {
  const opened = await device.engine.openWelcome(welcome, published, device.signatureKey);
  return (await device.engine.join(opened, tree, nowSec)).group;
}

/** The state after somebody's Commit. */
export async function process(by: Device, group: MlsGroup, commit: Uint8Array): Promise<MlsGroup> {
  const opened = await by.engine.unprotect(group, commit);
  if (opened.type !== "commit") throw new Error("not a Commit");
  return by.engine.applyCommit(opened.commit);
}
