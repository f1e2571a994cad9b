/** Engines, devices and small groups for the MLS tests. */
import { createMlsEngine } from "../../src/mls/engine.ts";
import type { MlsCiphersuite, MlsClient, MlsEngine, MlsGroup } from "../../src/mls/port.ts";
import type { MlsProvider } from "../../src/mls/provider.ts";
import type { Ed25519KeyPair } from "../../src/provider.ts";
import { nodeMlsProvider, nodeProvider } from "../../src/providers/node.ts";
import { webMlsProvider, webProvider } from "../../src/providers/web.ts";

export const mlsProviders: readonly MlsProvider[] = [
  nodeMlsProvider(nodeProvider()),
  webMlsProvider(webProvider()),
];
export const ciphersuites: readonly MlsCiphersuite[] = ["x25519", "x-wing"];
export const nowSec = 1_800_000_000;

/** A device that takes part. */
export interface Device {
  readonly engine: MlsEngine;
  readonly client: MlsClient;
  readonly signatureKey: Ed25519KeyPair;
}

/** Device number n, of a person of its own. */
export async function device(provider: MlsProvider, n: number): Promise<Device> {
  return {
    engine: createMlsEngine(provider),
    client: { accountId: id(n), deviceId: id(n + 0x10000) },
    signatureKey: await provider.crypto.ed25519Generate(),
  };
}

function id(n: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** A KeyPackage of a device, fresh. */
export function keyPackageOf(of: Device, ciphersuite: MlsCiphersuite) {
  return of.engine.createKeyPackage({
    ciphersuite,
    client: of.client,
    signatureKey: of.signatureKey,
    notBeforeSec: nowSec - 3600,
    notAfterSec: nowSec + 86_400,
    lastResort: false,
  });
}

/** Reads and accepts a KeyPackage as somebody who knows the device would. */
export async function accept(by: Device, of: Device, keyPackage: Uint8Array) {
  const read = await by.engine.readKeyPackage(keyPackage);
  return by.engine.verifyKeyPackage(
    read,
    { ...of.client, signatureKey: of.signatureKey.publicKey, ciphersuite: read.ciphersuite },
    nowSec,
  );
}

/** A group of one. */
export function newGroup(
  by: Device,
  ciphersuite: MlsCiphersuite,
  groupData = new Uint8Array([1]),
): Promise<MlsGroup> {
  return by.engine.createGroup({
    groupId: new Uint8Array(16).fill(7),
    ciphersuite,
    client: by.client,
    signatureKey: by.signatureKey,
    groupData,
    nowSec,
  });
}

/** Adds devices in one Commit: everybody's next state, the adder's first. */
export async function addAll(
  by: Device,
  group: MlsGroup,
  joiners: readonly Device[],
): Promise<{ groups: MlsGroup[]; commit: Uint8Array }> {
  const made = await Promise.all(joiners.map((joiner) => keyPackageOf(joiner, group.ciphersuite)));
  const add = [];
  for (const [i, joiner] of joiners.entries()) add.push(await accept(by, joiner, made[i]!.keyPackage));
  const { commit, welcomes, tree, next } = await by.engine.commit(group, { add });
  const groups = [next];
  for (const [i, joiner] of joiners.entries()) {
    const opened = await joiner.engine.openWelcome(welcomes[i]!, made[i]!, joiner.signatureKey);
    groups.push((await joiner.engine.join(opened, tree, nowSec)).group);
  }
  return { groups, commit };
}

/** Processes a Commit and takes what follows. */
export async function follow(by: Device, group: MlsGroup, commit: Uint8Array): Promise<MlsGroup> {
  const opened = await by.engine.unprotect(group, commit);
  if (opened.type !== "commit") throw new Error("not a Commit");
  return by.engine.applyCommit(opened.commit);
}
