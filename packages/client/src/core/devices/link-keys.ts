/**
 * What the code of a link is good for. The code commits to the offer, and is a secret of the two screens: the server is given neither the
 * code nor the offer in the clear, only an id that comes from the code one-way. So what opens under its keys is from who saw the code.
 *
 * Invariant: an offer holds a public key that is made for it and shown nowhere else (`answer_key`); else its code could be guessed.
 * @see spec/PROTOCOL.md "Offer, code and answer"; spec/decisions/0022-the-code-is-a-secret.md
 */
import { ID_BYTES, LABELS, LIMITS, concatBytes, labelled, utf8, type Label } from "@sotto/protocol";
import type { Env } from "../env.ts";

/** What comes from a code, for one server. */
export interface LinkKeys {
  /** What the server knows the link by, 16 bytes. */
  readonly linkId: Uint8Array;
  /** Seals the offer, 32 bytes. */
  readonly offerKey: Uint8Array;
  /** Seals the answer, 32 bytes. */
  readonly answerKey: Uint8Array;
}

const iterations = 100_000;
const keyBytes = 32;
const nonceBytes = 12;

/** The code of an offer, `linkCodeBytes` bytes: the beginning of SHA-256 over the label and the offer. */
export async function codeOfOffer(env: Env, offer: Uint8Array): Promise<Uint8Array> {
  return (await env.crypto.sha256(labelled(LABELS.linkOffer, offer))).slice(0, LIMITS.linkCodeBytes);
}

/** The keys of a code. Slow on purpose: each guess of the server costs as much. @param fingerprint of the server's key, 32 bytes. */
export async function keysOfCode(env: Env, code: Uint8Array, fingerprint: Uint8Array): Promise<LinkKeys> {
  const salt = labelled(LABELS.linkCode, fingerprint);
  const root = await env.crypto.pbkdf2Sha256(code, salt, iterations, keyBytes);
  const length = ID_BYTES + 2 * keyBytes;
  const bytes = await env.crypto.hkdfSha256(root, new Uint8Array(), utf8(LABELS.linkCode), length);
  return {
    linkId: bytes.slice(0, ID_BYTES),
    offerKey: bytes.slice(ID_BYTES, ID_BYTES + keyBytes),
    answerKey: bytes.slice(ID_BYTES + keyBytes),
  };
}

/** Seals an offer or answer: nonce (12 bytes) || AES-256-GCM, with the label as associated data. */
export async function sealUnderCode(
  env: Env,
  key: Uint8Array,
  label: Label,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const nonce = env.crypto.randomBytes(nonceBytes);
  return concatBytes(nonce, await env.crypto.aesGcmSeal(key, nonce, plaintext, utf8(label)));
}

/** Opens what sealUnderCode() made. @throws CryptoError `decryption_failed`, `key_invalid`. */
export async function openUnderCode(
  env: Env,
  key: Uint8Array,
  label: Label,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const [nonce, ciphertext] = [sealed.subarray(0, nonceBytes), sealed.subarray(nonceBytes)];
  return env.crypto.aesGcmOpen(key, nonce, ciphertext, utf8(label));
}
