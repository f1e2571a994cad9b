/**
 * HPKE (RFC 9180, base mode, one message) by @hpke/core over a platform's KEM, KDF and AEAD, for both providers.
 * Keys are handed to the library as the byte arrays that they are: its KEMs below take them so.
 */
import type { AeadInterface, KdfInterface, KemInterface } from "@hpke/common";
import { CipherSuite } from "@hpke/core";
import { CryptoError } from "@sotto/protocol";
import type { KemKeyPair, MlsPrimitives } from "../mls/provider.ts";
import { checkLength, decryptionFailed, keyInvalid } from "./checks.ts";

/** What an HPKE ciphersuite is made of. */
export interface HpkeParts {
  readonly kem: KemInterface;
  readonly kdf: KdfInterface;
  readonly aead: AeadInterface;
}

type Hpke = Pick<
  MlsPrimitives,
  | "publicKeyBytes"
  | "privateKeyBytes"
  | "kemOutputBytes"
  | "kemGenerate"
  | "kemDerive"
  | "kemCheck"
  | "hpkeSeal"
  | "hpkeOpen"
>;

/** The HPKE half of a ciphersuite's primitives. */
export function hpkeOf(parts: HpkeParts): Hpke {
  const suite = new CipherSuite(parts);
  const { kem } = parts;

  async function pair(keys: Promise<CryptoKeyPair>): Promise<KemKeyPair> {
    const { privateKey, publicKey } = await keys;
    return {
      privateKey: new Uint8Array(await kem.serializePrivateKey(privateKey)),
      publicKey: new Uint8Array(await kem.serializePublicKey(publicKey)),
    };
  }

  return {
    publicKeyBytes: kem.publicKeySize,
    privateKeyBytes: kem.privateKeySize,
    kemOutputBytes: kem.encSize,
    kemGenerate: () => pair(kem.generateKeyPair()),
    kemDerive: (ikm) => pair(kem.deriveKeyPair(buffer(ikm))),
    async kemCheck(publicKey) {
      checkLength("a public key", publicKey, kem.publicKeySize);
      try {
        await kem.encap({ recipientPublicKey: await kem.deserializePublicKey(publicKey) });
      } catch (cause) {
        throw cause instanceof CryptoError ? cause : keyInvalid("nothing can be sealed to this key", cause);
      }
    },
    async hpkeSeal(publicKey, info, plaintext) {
      checkLength("a public key", publicKey, kem.publicKeySize);
      try {
        const recipientPublicKey = await kem.deserializePublicKey(publicKey);
        const sealed = await suite.seal({ recipientPublicKey, info: buffer(info) }, buffer(plaintext));
        return { kemOutput: new Uint8Array(sealed.enc), ciphertext: new Uint8Array(sealed.ct) };
      } catch (cause) {
        throw cause instanceof CryptoError ? cause : keyInvalid("nothing can be sealed to this key", cause);
      }
    },
    async hpkeOpen(privateKey, sealed, info) {
      checkLength("a private key", privateKey, kem.privateKeySize);
      if (sealed.kemOutput.length !== kem.encSize) throw decryptionFailed();
      try {
        const recipientKey = await kem.deserializePrivateKey(privateKey);
        const enc = buffer(sealed.kemOutput);
        return new Uint8Array(
          await suite.open({ recipientKey, enc, info: buffer(info) }, buffer(sealed.ciphertext)),
        );
      } catch {
        throw decryptionFailed();
      }
    },
  };
}

/** A copy as the ArrayBuffer that the library asks for. */
export function buffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
