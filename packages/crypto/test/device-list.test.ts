/** Device lists: what a client takes from a server, and every way in which a server may lie about them. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ClassicKeySchema,
  type DeviceList,
  DeviceListSchema,
  LABELS,
  type SignedDeviceList,
  SignedDeviceListSchema,
  labelled,
} from "@sotto/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type VerifiedDeviceList,
  createIdentity,
  nextDeviceList,
  restoreDeviceList,
  signDeviceList,
  verifyDeviceLists,
} from "../src/device-list.ts";
import {
  activeDevices,
  classicKeyStateAt,
  findDevice,
  newestClassicKey,
} from "../src/device-list-reading.ts";
import type { CryptoProvider, Ed25519KeyPair } from "../src/provider.ts";
import { codeOf, flipped } from "./support/bytes.ts";
import { device, firstList, idOf } from "./support/people.ts";
import { providers } from "./support/providers.ts";
import { key } from "./support/vectors.ts";

describe.each(providers)("device lists on $name", (provider) => {
  let identity: Ed25519KeyPair;
  let successor: Ed25519KeyPair;
  let v1: SignedDeviceList;
  let v2: SignedDeviceList;
  /** Changes the identity key. */
  let v3: SignedDeviceList;
  let known1: VerifiedDeviceList;
  let known2: VerifiedDeviceList;

  const verify = (known: VerifiedDeviceList | undefined, ...lists: readonly SignedDeviceList[]) =>
    verifyDeviceLists(provider, known, lists);

  /** The code for a version 3 that the account signed, whatever stands in it. */
  async function change(edit: (list: DeviceList) => void): Promise<unknown> {
    const next = nextDeviceList(known2, 3_000);
    edit(next);
    const list = toBinary(DeviceListSchema, next);
    const signature = await provider.ed25519Sign(identity.privateKey, labelled(LABELS.deviceList, list));
    return codeOf(() => verify(known2, create(SignedDeviceListSchema, { list, signature })));
  }

  beforeAll(async () => {
    identity = await createIdentity(provider);
    successor = await createIdentity(provider);
    v1 = await signDeviceList(provider, await firstList(provider, identity), identity.privateKey);
    known1 = await verify(undefined, v1);
    const second = nextDeviceList(known1, 2_000);
    second.devices.push((await device(provider, 2)).device);
    v2 = await signDeviceList(provider, second, identity.privateKey);
    known2 = await verify(known1, v2);
    const third = nextDeviceList(known2, 3_000);
    third.identityKey = successor.publicKey;
    v3 = await signDeviceList(provider, third, identity.privateKey, successor.privateKey);
  });

  test("a chain is taken, whole or piece by piece", async () => {
    const whole = await verify(undefined, v1, v2, v3);
    expect(whole.version).toBe(3);
    expect(whole.identityHistory).toEqual([identity.publicKey, successor.publicKey]);
    expect(whole.hash).toEqual(await provider.sha256(v3.list));
    const pieces = await verify(await verify(known1, v2), v3);
    expect(pieces.hash).toEqual(whole.hash);
    expect(pieces.identityHistory).toEqual(whole.identityHistory);
    expect(known1.list.devices.length).toBe(1);
  });

  test("what is known may come again, and nothing new is no change", async () => {
    expect(await verify(known2, v2)).toBe(known2);
    expect(await verify(known2)).toBe(known2);
    expect((await verify(known2, v1, v2, v3)).version).toBe(3);
    expect((await verify(known2, v2, v3)).version).toBe(3);
  });

  test("an older list is a rollback", async () => {
    expect(await codeOf(() => verify(known2, v1))).toBe("device_list_rolled_back");
  });

  test("another list under a known version is a fork", async () => {
    const other = nextDeviceList(known1, 2_500);
    const signed = await signDeviceList(provider, other, identity.privateKey);
    expect(await codeOf(() => verify(known2, signed))).toBe("device_list_rolled_back");
    const stranger = await createIdentity(provider);
    const replaced = await signDeviceList(provider, await firstList(provider, stranger), stranger.privateKey);
    expect(await codeOf(() => verify(known1, replaced))).toBe("device_list_rolled_back");
  });

  test("holes, a wrong order and a wrong beginning are refused", async () => {
    expect(await codeOf(() => verify(undefined))).toBe("device_list_invalid");
    expect(await codeOf(() => verify(undefined, v2))).toBe("device_list_invalid");
    expect(await codeOf(() => verify(known1, v3))).toBe("device_list_invalid");
    expect(await codeOf(() => verify(undefined, v1, v3))).toBe("device_list_invalid");
    expect(await codeOf(() => verify(known1, v3, v2))).toBe("device_list_invalid");
    expect(await codeOf(() => verify(known1, v2, v2))).toBe("device_list_invalid");
  });

  test("a list of another account is refused", async () => {
    expect(await codeOf(() => verifyDeviceLists(provider, undefined, [v1], idOf(9)))).toBe(
      "device_list_invalid",
    );
    expect((await verifyDeviceLists(provider, undefined, [v1], idOf(1))).version).toBe(1);
    const stranger = await createIdentity(provider);
    const other = await firstList(provider, stranger, 7);
    other.version = 2n;
    other.previousHash = known1.hash;
    const signed = await signDeviceList(provider, other, identity.privateKey);
    expect(await codeOf(() => verify(known1, signed))).toBe("device_list_invalid");
  });

  test("a device added by the server is refused: it cannot sign", async () => {
    const forged = nextDeviceList(known1, 2_000);
    forged.devices.push((await device(provider, 66)).device);
    const server = await createIdentity(provider);
    const signed = await signDeviceList(provider, forged, server.privateKey);
    expect(await codeOf(() => verify(known1, signed))).toBe("signature_invalid");
    forged.identityKey = server.publicKey;
    const taken = await signDeviceList(provider, forged, server.privateKey, server.privateKey);
    expect(await codeOf(() => verify(known1, taken))).toBe("signature_invalid");
  });

  test("a new identity key needs both signatures, and an old one no second", async () => {
    const bare = { ...v3, newIdentitySignature: new Uint8Array() };
    expect(await codeOf(() => verify(known2, bare))).toBe("signature_invalid");
    const swapped = { ...v3, signature: v3.newIdentitySignature, newIdentitySignature: v3.signature };
    expect(await codeOf(() => verify(known2, swapped))).toBe("signature_invalid");
    const surplus = { ...v2, newIdentitySignature: v2.signature };
    expect(await codeOf(() => verify(known1, surplus))).toBe("device_list_invalid");
    // From then on the old identity key signs nothing.
    const known3 = await verify(known2, v3);
    const late = await signDeviceList(provider, nextDeviceList(known3, 4_000), identity.privateKey);
    expect(await codeOf(() => verify(known3, late))).toBe("signature_invalid");
  });

  test("no bit can be turned", async () => {
    for (let index = 0; index < v2.list.length; index++) {
      const altered = { ...v2, list: flipped(v2.list, index, index % 8) };
      expect(await codeOf(() => verify(known1, altered))).toMatch(
        /^(?:signature_invalid|device_list_invalid|device_list_rolled_back)$/,
      );
    }
    for (let index = 0; index < 64; index++) {
      const altered = { ...v2, signature: flipped(v2.signature, index, index % 8) };
      expect(await codeOf(() => verify(known1, altered))).toBe("signature_invalid");
    }
  });

  test("rules of the lists hold when they are signed, too", async () => {
    expect(await change(() => {})).toBe("nothing was thrown");
    expect(await change((list) => list.devices.pop())).toBe("device_list_invalid");
    expect(await change((list) => list.devices.reverse())).toBe("device_list_invalid");
    expect(await change((list) => void (list.createdAtSec = 1_999n))).toBe("device_list_invalid");
    expect(await change((list) => void (list.previousHash = known1.hash))).toBe("device_list_invalid");
    expect(await change((list) => void (list.devices[0]!.signatureKey = successor.publicKey))).toBe(
      "device_list_invalid",
    );
  });

  test("signing refuses what is not well formed", async () => {
    const list = nextDeviceList(known1, 2_000);
    list.devices[0]!.deviceId = new Uint8Array(15);
    expect(await codeOf(() => signDeviceList(provider, list, identity.privateKey))).toBe(
      "device_list_invalid",
    );
  });

  test("what the own vault kept is taken back, and checked again", async () => {
    const known3 = await verify(known2, v3);
    for (const known of [known1, known2, known3]) {
      const back = await restoreDeviceList(provider, known.signedBytes, known.identityHistory);
      expect(back).toEqual(known);
    }
    const wrong = [identity.publicKey];
    expect(await codeOf(() => restoreDeviceList(provider, known3.signedBytes, wrong))).toBe(
      "device_list_invalid",
    );
    expect(await codeOf(() => restoreDeviceList(provider, known3.signedBytes, []))).toBe(
      "device_list_invalid",
    );
    expect(await codeOf(() => restoreDeviceList(provider, known3.signedBytes, [successor.publicKey]))).toBe(
      "device_list_invalid",
    );
    const others = [successor.publicKey, successor.publicKey];
    expect(await codeOf(() => restoreDeviceList(provider, known3.signedBytes, others))).toBe(
      "signature_invalid",
    );
    const altered = flipped(known2.signedBytes, -1);
    expect(await codeOf(() => restoreDeviceList(provider, altered, known2.identityHistory))).toBe(
      "signature_invalid",
    );
  });

  test("what was checked does not change with the buffer that it came in", async () => {
    const buffer = v1.list.slice();
    const checked = await verify(undefined, { ...v1, list: buffer });
    buffer.fill(0);
    expect(checked).toEqual(known1);
  });

  test("time in a list never runs back, whatever the clock says", () => {
    expect(nextDeviceList(known2, 500).createdAtSec).toBe(2_000n);
    expect(nextDeviceList(known2, 2_500.9).createdAtSec).toBe(2_500n);
  });
});

const listed = (name: string) =>
  create(ClassicKeySchema, { publicKey: key(name).publicKey, addedAtSec: 1_000n });

describe("reading a list", () => {
  const provider: CryptoProvider = providers[0]!;

  test("devices in use, and their newest key", async () => {
    const identity = await createIdentity(provider);
    const list = await firstList(provider, identity);
    list.devices.push((await device(provider, 2)).device);
    const [one, two] = list.devices as [DeviceList["devices"][0], DeviceList["devices"][0]];
    one.classicKeys.push(listed("ann-retired"), listed("ann-current"));
    one.classicKeys[0]!.retiredAtSec = 1_500n;
    expect(newestClassicKey(one)).toBe(one.classicKeys[1]);
    expect(newestClassicKey(two)).toBeUndefined();
    expect(activeDevices(list)).toEqual([one, two]);
    expect(findDevice(list, idOf(2))).toBe(two);
    expect(findDevice(list, idOf(3))).toBeUndefined();
    one.classicKeys[1]!.revokedAtSec = 1_600n;
    expect(newestClassicKey(one)).toBeUndefined();
    one.classicKeys[1]!.revokedAtSec = 0n;
    one.revokedAtSec = 1_700n;
    expect(newestClassicKey(one)).toBeUndefined();
    expect(activeDevices(list)).toEqual([two]);
  });

  test("what a key was good for at a time", async () => {
    const { device: owner } = await device(provider, 1);
    const old = listed("mallory");
    const states = (...times: readonly number[]) => times.map((time) => classicKeyStateAt(owner, old, time));
    expect(states(0, 1_000, 9_999_999_999)).toEqual(["in_use", "in_use", "in_use"]);
    old.retiredAtSec = 2_000n;
    expect(states(2_000, 2_001, 88_400, 88_401)).toEqual(["in_use", "grace", "grace", "retired"]);
    old.revokedAtSec = 3_000n;
    expect(states(3_000, 3_001)).toEqual(["grace", "revoked"]);
    owner.revokedAtSec = 1_500n;
    expect(states(1_500, 1_501)).toEqual(["in_use", "revoked"]);
  });
});
