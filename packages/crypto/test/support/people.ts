/** Accounts, devices and signed lists for tests. */
import { create } from "@bufbuild/protobuf";
import {
  type AccountId,
  ClassicKeySchema,
  type Device,
  type DeviceId,
  DeviceListSchema,
  type DeviceList,
  DeviceSchema,
  accountId,
  deviceId,
} from "@sotto/protocol";
import { type VerifiedDeviceList, signDeviceList, verifyDeviceLists } from "../../src/device-list.ts";
import type { CryptoProvider, Ed25519KeyPair } from "../../src/provider.ts";
import { key, vectors } from "./vectors.ts";
import { parseClassicAddress } from "../../src/classic/format.ts";

/** 16 bytes that are all the same, as an id. */
export const idOf = (byte: number): AccountId & DeviceId =>
  deviceId(accountId(new Uint8Array(16).fill(byte))) as AccountId & DeviceId;

/** A device without RSA keys, added at second 1,000. */
export async function device(
  provider: CryptoProvider,
  byte: number,
): Promise<{ device: Device; keys: Ed25519KeyPair }> {
  const keys = await provider.ed25519Generate();
  const made = create(DeviceSchema, {
    deviceId: idOf(byte),
    signatureKey: keys.publicKey,
    inboxId: idOf(byte),
    addedAtSec: 1_000n,
  });
  return { device: made, keys };
}

/** Version 1 of a list with one device, made at second 1,000. */
export async function firstList(
  provider: CryptoProvider,
  identity: Ed25519KeyPair,
  account = 1,
): Promise<DeviceList> {
  return create(DeviceListSchema, {
    accountId: idOf(account),
    version: 1n,
    identityKey: identity.publicKey,
    createdAtSec: 1_000n,
    devices: [(await device(provider, account)).device],
  });
}

/** The sender's device list of the vectors, signed with a fresh identity and verified. */
export async function vectorList(provider: CryptoProvider): Promise<VerifiedDeviceList> {
  const identity = await provider.ed25519Generate();
  const devices = await Promise.all(
    vectors.sender_devices.map(async (entry, index) => {
      const made = (await device(provider, 0xd0 + index)).device;
      made.deviceId = parseClassicAddress(entry.address)!.device;
      made.addedAtSec = BigInt(entry.keys[0]!.added_at);
      made.revokedAtSec = BigInt(entry.revoked_at);
      made.classicKeys = entry.keys.map((listed) =>
        create(ClassicKeySchema, {
          publicKey: key(listed.name).publicKey,
          addedAtSec: BigInt(listed.added_at),
          retiredAtSec: BigInt(listed.retired_at),
          revokedAtSec: BigInt(listed.revoked_at),
        }),
      );
      return made;
    }),
  );
  const { account } = parseClassicAddress(vectors.sender_devices[0]!.address)!;
  const fields = { accountId: account, identityKey: identity.publicKey, createdAtSec: BigInt(vectors.now) };
  const first = create(DeviceListSchema, { ...fields, version: 1n, devices: devices.slice(0, 1) });
  const known = await verifyDeviceLists(provider, undefined, [
    await signDeviceList(provider, first, identity.privateKey),
  ]);
  const second = create(DeviceListSchema, { ...fields, version: 2n, previousHash: known.hash, devices });
  return verifyDeviceLists(provider, known, [await signDeviceList(provider, second, identity.privateKey)]);
}
