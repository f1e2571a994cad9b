/** Accounts as clients make them, by node:crypto alone: keys, and signed device lists. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DeviceListSchema,
  LABELS,
  SignedDeviceListSchema,
  labelled,
  parseHex,
  type DeviceList,
  type SignedDeviceList,
} from "@sotto/protocol";

/** An Ed25519 pair with its raw public key. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/** A Buffer as the Uint8Array that comes out of a decoder, so that the two compare equal. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

export function ed25519(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, publicKey: plain(publicKey.export({ type: "spki", format: "der" }).subarray(-32)) };
}

/** Bytes of the form of an RSA-2048 public key; nobody computes with it on the server. */
export function rsaPublicKey(): Uint8Array {
  const prefix = parseHex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")!;
  const modulus = randomBytes(256);
  modulus[0]! |= 0x80;
  modulus[255]! |= 1;
  return Uint8Array.of(...prefix, ...modulus, 0x02, 0x03, 0x01, 0x00, 0x01);
}

export interface TestAccount {
  readonly identity: TestKey;
  readonly device: TestKey;
  readonly list: DeviceList;
  readonly signed: SignedDeviceList;
}

const clone = (list: DeviceList): MessageInitShape<typeof DeviceListSchema> => structuredClone(list);

export function signList(list: DeviceList, key: TestKey, newKey?: TestKey): SignedDeviceList {
  const bytes = toBinary(DeviceListSchema, list);
  const transcript = labelled(LABELS.deviceList, bytes);
  return create(SignedDeviceListSchema, {
    list: bytes,
    signature: plain(sign(null, transcript, key.privateKey)),
    ...(newKey && { newIdentitySignature: plain(sign(null, transcript, newKey.privateKey)) }),
  });
}

/** A new account with one device. */
export function newAccount(nowSec = Math.floor(Date.now() / 1000)): TestAccount {
  const identity = ed25519();
  const device = ed25519();
  const at = BigInt(nowSec);
  const list = create(DeviceListSchema, {
    accountId: plain(randomBytes(16)),
    version: 1n,
    identityKey: identity.publicKey,
    createdAtSec: at,
    devices: [
      {
        deviceId: plain(randomBytes(16)),
        signatureKey: device.publicKey,
        inboxId: plain(randomBytes(16)),
        classicKeys: [{ publicKey: rsaPublicKey(), addedAtSec: at }],
        addedAtSec: at,
      },
    ],
  });
  return { identity, device, list, signed: signList(list, identity) };
}

/** The next version of an account's list. @param change what differs. @param newIdentity to rotate to. */
export function nextList(
  account: TestAccount,
  change: (list: DeviceList) => void = () => {},
  newIdentity?: TestKey,
): TestAccount {
  const list = create(DeviceListSchema, clone(account.list));
  list.version += 1n;
  list.previousHash = plain(createHash("sha256").update(account.signed.list).digest());
  if (newIdentity) list.identityKey = newIdentity.publicKey;
  change(list);
  const signed = signList(list, account.identity, newIdentity);
  return { ...account, identity: newIdentity ?? account.identity, list, signed };
}
