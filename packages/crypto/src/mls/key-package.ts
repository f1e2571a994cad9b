/** KeyPackages (RFC 9420 §10): made, read, and accepted for a device. */
import { UsageError, ValidationError, equalBytes } from "@sotto/protocol";
import {
  type KeyPackage,
  generateKeyPackageWithKey,
  makeKeyPackageRef,
  type PrivateKeyPackage,
  verifyKeyPackage as verifySignature,
} from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import type { Ed25519KeyPair } from "../provider.ts";
import { check, guarded } from "./checks.ts";
import { ciphersuiteOf } from "./ciphersuite.ts";
import { type Suite, found } from "./group-state.ts";
import { CAPABILITIES, LAST_RESORT_EXTENSION, checkLeaf, clientOf, credentialOf } from "./identity.ts";
import { MLS_LIMITS } from "./limits.ts";
import type { MlsClient, NewKeyPackage, UnverifiedKeyPackage, VerifiedKeyPackage } from "./port.ts";
import { decodeMessage } from "./wire.ts";

const secretsVersion = 1;

interface ReadKeyPackage {
  readonly value: KeyPackage;
  readonly ref: Uint8Array;
}

const readKeyPackages = new WeakMap<object, ReadKeyPackage>();

/** A new KeyPackage of a client. */
export async function newKeyPackage(
  suite: Suite,
  options: {
    readonly client: MlsClient;
    readonly signatureKey: Ed25519KeyPair;
    readonly notBeforeSec: number;
    readonly notAfterSec: number;
    readonly lastResort: boolean;
  },
): Promise<NewKeyPackage> {
  const { publicPackage, privatePackage } = await generate(suite, options);
  const keyPackage = encodeMlsMessage({
    version: "mls10",
    wireformat: "mls_key_package",
    keyPackage: publicPackage,
  });
  const secrets = new Uint8Array([
    secretsVersion,
    ...privatePackage.initPrivateKey,
    ...privatePackage.hpkePrivateKey,
  ]);
  return { keyPackage, ref: await makeKeyPackageRef(publicPackage, suite.impl.hash), secrets };
}

/** The same in the library's values: a group's first leaf is made from one that nobody else sees. */
export async function generate(
  suite: Suite,
  options: {
    readonly client: MlsClient;
    readonly signatureKey: Ed25519KeyPair;
    readonly notBeforeSec: number;
    readonly notAfterSec: number;
    readonly lastResort: boolean;
  },
): Promise<{ publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> {
  const { client, signatureKey, notBeforeSec, notAfterSec, lastResort } = options;
  const sane = Number.isSafeInteger(notBeforeSec) && Number.isSafeInteger(notAfterSec) && notBeforeSec >= 0;
  if (!sane || notAfterSec <= notBeforeSec || notAfterSec - notBeforeSec > MLS_LIMITS.maxLifetimeSec) {
    throw new UsageError("usage", "a KeyPackage lives more than 0 and at most 400 days");
  }
  return generateKeyPackageWithKey(
    credentialOf(client),
    CAPABILITIES,
    { notBefore: BigInt(notBeforeSec), notAfter: BigInt(notAfterSec) },
    lastResort ? [{ extensionType: LAST_RESORT_EXTENSION, extensionData: new Uint8Array() }] : [],
    { signKey: signatureKey.privateKey, publicKey: signatureKey.publicKey },
    suite.impl,
  );
}

/** The private keys of a KeyPackage. @throws ValidationError `mls_invalid` (MLS-KP-9). */
export function decodeSecrets(
  secrets: Uint8Array,
  suite: Suite,
): { initKey: Uint8Array; encryptionKey: Uint8Array } {
  const { privateKeyBytes } = suite.primitives;
  check(
    secrets.length === 1 + 2 * privateKeyBytes && secrets[0] === secretsVersion,
    "MLS-KP-9",
    "a KeyPackage's secrets have their form",
  );
  return {
    initKey: secrets.slice(1, 1 + privateKeyBytes),
    encryptionKey: secrets.slice(1 + privateKeyBytes),
  };
}

/** Decodes and checks a KeyPackage. */
export async function readKeyPackage(
  suites: (name: "x-wing" | "x25519") => Suite,
  bytes: Uint8Array,
): Promise<UnverifiedKeyPackage> {
  const { keyPackage } = decodeMessage(bytes, "mls_key_package", MLS_LIMITS.maxKeyPackageBytes);
  const name = ciphersuiteOf(keyPackage.cipherSuite);
  check(name !== undefined, "MLS-KP-1", "the ciphersuite is one of ours");
  const suite = suites(name);
  const { notBeforeSec, notAfterSec, lastResort } = await checkKeyPackage(keyPackage, suite);
  const ref = await makeKeyPackageRef(keyPackage, suite.impl.hash);
  const handle = Object.freeze({
    ...clientOf(keyPackage.leafNode.credential),
    ciphersuite: name,
    signatureKey: Uint8Array.from(keyPackage.leafNode.signaturePublicKey),
    notBeforeSec,
    notAfterSec,
    lastResort,
    ref: Uint8Array.from(ref),
  });
  readKeyPackages.set(handle, { value: keyPackage, ref });
  return handle as unknown as UnverifiedKeyPackage;
}

/** What can be seen in a KeyPackage alone, also when a Commit brings it. */
export async function checkKeyPackage(
  keyPackage: KeyPackage,
  suite: Suite,
): Promise<{ notBeforeSec: number; notAfterSec: number; lastResort: boolean }> {
  const { leafNode } = keyPackage;
  check(
    keyPackage.version === "mls10" && keyPackage.cipherSuite === suite.impl.name,
    "MLS-KP-2",
    "version and ciphersuite are the expected ones",
  );
  checkLeaf(leafNode, suite.name, suite.primitives.publicKeyBytes);
  check(
    keyPackage.initKey.length === suite.primitives.publicKeyBytes &&
      !equalBytes(keyPackage.initKey, leafNode.hpkePublicKey),
    "MLS-KP-3",
    "the init key fits the ciphersuite and is not the encryption key",
  );
  const [extension] = keyPackage.extensions;
  const lastResort = extension?.extensionType === LAST_RESORT_EXTENSION;
  check(
    keyPackage.extensions.length <= 1 &&
      (extension === undefined || (lastResort && extension.extensionData.length === 0)),
    "MLS-KP-4",
    "last_resort is the only extension",
  );
  const { notBefore, notAfter } = leafNode.lifetime;
  check(
    notBefore < notAfter &&
      notAfter <= BigInt(Number.MAX_SAFE_INTEGER) &&
      notAfter - notBefore <= BigInt(MLS_LIMITS.maxLifetimeSec),
    "MLS-KP-5",
    "it lives at most 400 days",
  );
  const signed = await guarded("MLS-KP-6", "the signatures are the leaf's", async () => {
    return (
      (await verifyLeafNodeSignatureKeyPackage(leafNode, suite.impl.signature)) &&
      (await verifySignature(keyPackage, suite.impl.signature))
    );
  });
  check(signed, "MLS-KP-6", "the signatures are the leaf's");
  await checkUsable(suite, [keyPackage.initKey, leafNode.hpkePublicKey], "MLS-KP-7");
  return { notBeforeSec: Number(notBefore), notAfterSec: Number(notAfter), lastResort };
}

/**
 * Makes a shared secret for each key. A key to which nothing can be sealed (a point of small order, a module vector out of range) would stop
 * every later Commit of everybody. HPKE's key schedule and AEAD, which no key can make fail, are left out.
 */
export async function checkUsable(suite: Suite, keys: readonly Uint8Array[], id: string): Promise<void> {
  for (const key of keys) {
    let usable = true;
    try {
      await suite.primitives.kemCheck(key);
    } catch {
      usable = false;
    }
    check(usable, id, "every public key can be sealed to");
  }
}

/** Accepts a KeyPackage for a device as its account's list has it. */
export function verifyKeyPackage(
  keyPackage: UnverifiedKeyPackage,
  expected: MlsClient & { readonly signatureKey: Uint8Array; readonly ciphersuite: string },
  nowSec: number,
): VerifiedKeyPackage {
  const read = found(readKeyPackages.get(keyPackage));
  check(
    equalBytes(keyPackage.accountId, expected.accountId) &&
      equalBytes(keyPackage.deviceId, expected.deviceId) &&
      equalBytes(keyPackage.signatureKey, expected.signatureKey) &&
      keyPackage.ciphersuite === expected.ciphersuite,
    "MLS-KP-8",
    "it is of the device and ciphersuite that were asked for",
  );
  if (nowSec < keyPackage.notBeforeSec || nowSec > keyPackage.notAfterSec) {
    throw new ValidationError("mls_invalid", "MLS-KP-10: it is not valid now");
  }
  const { accountId, deviceId, signatureKey } = keyPackage;
  const handle = Object.freeze({ member: Object.freeze({ accountId, deviceId, signatureKey }) });
  readKeyPackages.set(handle, read);
  return handle as unknown as VerifiedKeyPackage;
}

/** The library's value behind a verified KeyPackage. */
export function keyPackageOf(verified: VerifiedKeyPackage): ReadKeyPackage {
  return found(readKeyPackages.get(verified));
}
