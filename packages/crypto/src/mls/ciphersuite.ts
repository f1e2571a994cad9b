/**
 * Our primitives in the shape in which ts-mls takes a ciphersuite. HPKE keys are "imported" as the byte arrays that they are; a platform
 * remembers by array what it made of them. External Commits are never made or taken, so HPKE's exporter is not there.
 */
import type { CiphersuiteImpl, CiphersuiteName } from "ts-mls/crypto/ciphersuite.js";
import type { PrivateKey, PublicKey } from "ts-mls/crypto/hpke.js";
import type { Kdf } from "ts-mls/crypto/kdf.js";
import { InternalError } from "@sotto/protocol";
import type { MlsCiphersuite } from "./port.ts";
import type { Expansion, MlsProvider } from "./provider.ts";

/** What ts-mls calls our ciphersuites. */
export const CIPHERSUITE_NAMES = {
  "x-wing": "MLS_256_XWING_AES256GCM_SHA512_Ed25519",
  x25519: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
} as const satisfies Record<MlsCiphersuite, CiphersuiteName>;

/** The library's, with what messages need beside it. */
export interface SuiteImpl extends CiphersuiteImpl {
  readonly kdf: Kdf & {
    /** HKDF-Expand several times with one key. */
    expandAll(prk: Uint8Array, wanted: readonly Expansion[]): Promise<readonly Uint8Array[]>;
  };
}

/** Our name of a ciphersuite; undefined for one that we do not speak. */
export function ciphersuiteOf(name: CiphersuiteName): MlsCiphersuite | undefined {
  if (name === CIPHERSUITE_NAMES["x-wing"]) return "x-wing";
  return name === CIPHERSUITE_NAMES.x25519 ? "x25519" : undefined;
}

/** A ciphersuite for ts-mls. */
export function ciphersuiteFor(provider: MlsProvider, suite: MlsCiphersuite): SuiteImpl {
  const { crypto } = provider;
  const primitives = provider.suites[suite];
  const none = new Uint8Array();
  return {
    name: CIPHERSUITE_NAMES[suite],
    hash: {
      digest: async (data) => primitives.hash(data),
      mac: async (key, data) => primitives.hmac(key, data),
      verifyMac: async (key, mac, data) => crypto.equalSecrets(await primitives.hmac(key, data), mac),
    },
    kdf: {
      size: primitives.hashBytes,
      extract: async (salt, ikm) => primitives.hkdfExtract(salt, ikm),
      expand: async (prk, info, length) => primitives.hkdfExpand(prk, info, length),
      expandAll: async (prk, wanted) => primitives.hkdfExpandAll(prk, wanted),
    },
    signature: {
      sign: async (key, data) => crypto.ed25519Sign(key, data),
      verify: async (key, data, signature) => crypto.ed25519Verify(key, data, signature),
      async keygen() {
        const { privateKey, publicKey } = await crypto.ed25519Generate();
        return { signKey: privateKey, publicKey };
      },
    },
    rng: { randomBytes: (length) => crypto.randomBytes(length) },
    hpke: {
      keyLength: primitives.keyBytes,
      nonceLength: 12,
      async seal(publicKey, plaintext, info) {
        const { kemOutput, ciphertext } = await primitives.hpkeSeal(bytesOf(publicKey), info, plaintext);
        return { enc: kemOutput, ct: ciphertext };
      },
      open: async (privateKey, kemOutput, ciphertext, info) =>
        primitives.hpkeOpen(bytesOf(privateKey), { kemOutput, ciphertext }, info),
      encryptAead: async (key, nonce, aad, plaintext) =>
        primitives.aeadSeal(key, nonce, plaintext, aad ?? none),
      decryptAead: async (key, nonce, aad, ciphertext) =>
        primitives.aeadOpen(key, nonce, ciphertext, aad ?? none),
      importPrivateKey: async (key) => key as unknown as PrivateKey,
      importPublicKey: async (key) => key as unknown as PublicKey,
      exportPublicKey: async (key) => bytesOf(key),
      exportPrivateKey: async (key) => bytesOf(key),
      deriveKeyPair: async (ikm) => keysOf(await primitives.kemDerive(ikm)),
      generateKeyPair: async () => keysOf(await primitives.kemGenerate()),
      exportSecret: () => Promise.reject(new InternalError("internal", "no external Commits")),
      importSecret: () => Promise.reject(new InternalError("internal", "no external Commits")),
    },
  };
}

function bytesOf(key: PublicKey | PrivateKey): Uint8Array {
  return key as unknown as Uint8Array;
}

function keysOf(pair: { privateKey: Uint8Array; publicKey: Uint8Array }): {
  privateKey: PrivateKey;
  publicKey: PublicKey;
} {
  return pair as unknown as { privateKey: PrivateKey; publicKey: PublicKey };
}
