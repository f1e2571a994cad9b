/** The checks of wire forms, leaves and KeyPackages (spec/VALIDATION.md), each against what would slip through without it. */
import { concatBytes, utf8 } from "@sotto/protocol";
import { encodeMlsMessage } from "ts-mls/message.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { beforeAll, describe, expect, test } from "vitest";
import { ciphersuiteFor } from "../../src/mls/ciphersuite.ts";
import { decodeTreeNodes } from "../../src/mls/wire.ts";
import { stateOf } from "../../src/mls/group-state.ts";
import { encodeTree } from "../../src/mls/wire.ts";
import { decodedKeyPackage, encodedKeyPackage, forgedKeyPackage } from "../support/mls-forge.ts";
import { type Device, accept, device, keyPackageOf, mlsProviders, newGroup, nowSec } from "../support/mls.ts";

const [provider] = mlsProviders;
const impl = ciphersuiteFor(provider!, "x25519");

let ann: Device;
let bob: Device;
let bytes: Uint8Array;
beforeAll(async () => {
  [ann, bob] = await Promise.all([device(provider!, 1), device(provider!, 2)]);
  bytes = (await keyPackageOf(bob, "x25519")).keyPackage;
});

const refused = (id: string, code = "mls_invalid") => ({ code, message: expect.stringContaining(`${id}:`) });
const read = (input: Uint8Array) => ann.engine.readKeyPackage(input);
const forge = async (alter: Parameters<typeof forgedKeyPackage>[3]) =>
  encodedKeyPackage(await forgedKeyPackage(bob, impl, "x25519", alter));

const blanks = (count: number) => new Uint8Array(count);
const wrap = (content: Uint8Array) =>
  concatBytes(Uint8Array.of(0x40 | (content.length >> 8), content.length & 255), content);
const wrong = (input: Uint8Array) =>
  expect(() => decodeTreeNodes(input)).toThrow(expect.objectContaining(refused("MLS-WIRE-5", "malformed")));

describe("wire forms", () => {
  test("MLS-WIRE-1: what does not decode, or goes on after its end", async () => {
    await expect(read(bytes.subarray(0, -1))).rejects.toMatchObject(refused("MLS-WIRE-1", "malformed"));
    await expect(read(concatBytes(bytes, new Uint8Array(1)))).rejects.toMatchObject(
      refused("MLS-WIRE-1", "malformed"),
    );
    await expect(read(new Uint8Array())).rejects.toMatchObject(refused("MLS-WIRE-1", "malformed"));
  });
  test("MLS-WIRE-2: another kind of MLSMessage", async () => {
    expect(() => ann.engine.welcomeRef(bytes)).toThrow(
      expect.objectContaining(refused("MLS-WIRE-2", "malformed")),
    );
  });
  test("MLS-WIRE-3: an encoding that is not the shortest", async () => {
    // The init key's length in two bytes instead of one.
    const at = 8;
    expect(bytes[at]).toBe(32);
    const long = concatBytes(bytes.subarray(0, at), Uint8Array.of(0x40, 32), bytes.subarray(at + 1));
    await expect(read(long)).rejects.toMatchObject(refused("MLS-WIRE-3", "malformed"));
  });
  test("MLS-WIRE-4: more bytes than anything of its kind has", async () => {
    await expect(read(new Uint8Array(20_000))).rejects.toMatchObject(refused("MLS-WIRE-4", "too_large"));
  });
  test("MLS-WIRE-5: a tree that ends in blanks, is empty, or has more than 4,096 leaves", async () => {
    const { tree } = stateOf(await newGroup(ann, "x25519")).epoch;
    const leaf = encodeTree(tree).subarray(2);
    wrong(Uint8Array.of(0));
    wrong(wrap(concatBytes(leaf, blanks(1))));
    wrong(wrap(concatBytes(leaf, blanks(8_190), leaf)));
    expect(decodeTreeNodes(wrap(concatBytes(leaf, blanks(8_189), leaf)).slice()).length).toBe(8_191);
  });
});

describe("leaves", () => {
  test.each<[string, Parameters<typeof forgedKeyPackage>[3]]>([
    [
      "MLS-LEAF-1: an identity that is not two ids",
      { leaf: (leaf) => ({ ...leaf, credential: { credentialType: "basic", identity: utf8("bob") } }) },
    ],
    [
      "MLS-LEAF-1: an X.509 credential",
      { leaf: (leaf) => ({ ...leaf, credential: { credentialType: "x509", certificates: [utf8("x")] } }) },
    ],
    [
      "MLS-LEAF-2: a signature key of another length",
      { leaf: (leaf) => ({ ...leaf, signaturePublicKey: new Uint8Array(33) }) },
    ],
    [
      "MLS-LEAF-3: an encryption key of another length",
      { leaf: (leaf) => ({ ...leaf, hpkePublicKey: new Uint8Array(31) }) },
    ],
    [
      "MLS-LEAF-4: no support for the group's data",
      { leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, extensions: [] } }) },
    ],
    [
      "MLS-LEAF-4: no support for the ciphersuite",
      { leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, ciphersuites: [] } }) },
    ],
    [
      "MLS-LEAF-5: an extension of the leaf",
      {
        leaf: (leaf) => ({
          ...leaf,
          extensions: [{ extensionType: "application_id", extensionData: utf8("x") }],
        }),
      },
    ],
    [
      "MLS-KP-3: an init key of another length",
      { whole: (whole) => ({ ...whole, initKey: new Uint8Array(31) }) },
    ],
    [
      "MLS-KP-3: the init key is the encryption key",
      { whole: (whole) => ({ ...whole, initKey: whole.leafNode.hpkePublicKey }) },
    ],
    [
      "MLS-KP-4: another extension",
      { whole: (whole) => ({ ...whole, extensions: [{ extensionType: 0xf502, extensionData: utf8("") }] }) },
    ],
    [
      "MLS-KP-4: last_resort with content",
      { whole: (whole) => ({ ...whole, extensions: [{ extensionType: 10, extensionData: utf8("x") }] }) },
    ],
    [
      "MLS-KP-5: a life of 401 days",
      { leaf: (leaf) => ({ ...leaf, lifetime: { notBefore: 0n, notAfter: 34_646_400n } }) },
    ],
    [
      "MLS-KP-5: an end before the beginning",
      { leaf: (leaf) => ({ ...leaf, lifetime: { notBefore: 2n, notAfter: 1n } }) },
    ],
    [
      "MLS-KP-7: an init key of small order",
      { whole: (whole) => ({ ...whole, initKey: new Uint8Array(32) }) },
    ],
    [
      "MLS-KP-7: an encryption key of small order",
      { leaf: (leaf) => ({ ...leaf, hpkePublicKey: new Uint8Array(32).fill(1, 0, 1) }) },
    ],
  ])("%s", async (title, alter) => {
    await expect(read(await forge(alter))).rejects.toMatchObject(refused(title.slice(0, title.indexOf(":"))));
  });
});

describe("KeyPackages", () => {
  test("MLS-KP-1: a ciphersuite that is not ours", async () => {
    const foreign = await forge({
      whole: (whole) => ({ ...whole, cipherSuite: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256" }),
    });
    await expect(read(foreign)).rejects.toMatchObject(refused("MLS-KP-1"));
  });
  test("MLS-KP-2: a KeyPackage of another ciphersuite is not added to a group", async () => {
    const group = await newGroup(ann, "x-wing");
    const other = await accept(ann, bob, bytes);
    await expect(ann.engine.commit(group, { add: [other] })).rejects.toMatchObject(refused("MLS-KP-2"));
  });
  test("MLS-KP-6: signatures of somebody else", async () => {
    const stolen: KeyPackage = {
      ...decodedKeyPackage(bytes),
      initKey: (await provider!.suites.x25519.kemGenerate()).publicKey,
    };
    await expect(read(encodedKeyPackage(stolen))).rejects.toMatchObject(refused("MLS-KP-6"));
    const foreignLeaf = { ...decodedKeyPackage(bytes) };
    foreignLeaf.leafNode = { ...foreignLeaf.leafNode, signature: new Uint8Array(64) };
    await expect(read(encodedKeyPackage(foreignLeaf))).rejects.toMatchObject(refused("MLS-KP-6"));
  });
  test("MLS-KP-8: a KeyPackage of another device, account, key or ciphersuite", async () => {
    const unverified = await read(bytes);
    const right = { ...bob.client, signatureKey: bob.signatureKey.publicKey, ciphersuite: "x25519" as const };
    const wrong = [
      { ...right, accountId: ann.client.accountId },
      { ...right, deviceId: ann.client.deviceId },
      { ...right, signatureKey: ann.signatureKey.publicKey },
      { ...right, ciphersuite: "x-wing" as const },
    ];
    for (const expected of wrong) {
      expect(() => ann.engine.verifyKeyPackage(unverified, expected, nowSec)).toThrow(
        expect.objectContaining(refused("MLS-KP-8")),
      );
    }
    expect(ann.engine.verifyKeyPackage(unverified, right, nowSec).member.deviceId).toEqual(
      bob.client.deviceId,
    );
  });
  test("MLS-KP-9: secrets that are not a KeyPackage's", async () => {
    const made = await keyPackageOf(bob, "x25519");
    const add = [await accept(ann, bob, made.keyPackage)];
    const { welcomes } = await ann.engine.commit(await newGroup(ann, "x25519"), { add });
    const cut = { keyPackage: made.keyPackage, secrets: made.secrets.subarray(1) };
    await expect(bob.engine.openWelcome(welcomes[0]!, cut, bob.signatureKey)).rejects.toMatchObject(
      refused("MLS-KP-9"),
    );
  });
  test("MLS-KP-10: a KeyPackage before and after its time", async () => {
    const unverified = await read(bytes);
    const expected = {
      ...bob.client,
      signatureKey: bob.signatureKey.publicKey,
      ciphersuite: "x25519" as const,
    };
    for (const when of [unverified.notBeforeSec - 1, unverified.notAfterSec + 1]) {
      expect(() => ann.engine.verifyKeyPackage(unverified, expected, when)).toThrow(
        expect.objectContaining(refused("MLS-KP-10")),
      );
    }
  });
  test("a last resort says so", async () => {
    const { keyPackage } = await bob.engine.createKeyPackage({
      ciphersuite: "x-wing",
      client: bob.client,
      signatureKey: bob.signatureKey,
      notBeforeSec: 0,
      notAfterSec: 1,
      lastResort: true,
    });
    expect((await read(keyPackage)).lastResort).toBe(true);
    expect((await read(bytes)).lastResort).toBe(false);
    expect(
      encodeMlsMessage({
        version: "mls10",
        wireformat: "mls_key_package",
        keyPackage: decodedKeyPackage(keyPackage),
      }),
    ).toEqual(keyPackage);
  });
});
