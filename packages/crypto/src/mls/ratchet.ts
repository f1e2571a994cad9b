/**
 * The ratchet of one leaf for one kind of content (RFC 9420 §9.1), as a receiver moves it. Of generations that were skipped, key and nonce
 * are kept (§9.2), `keptGenerations` of them. The library keeps the ratchet's secret instead, which gives the keys of every later
 * generation too, of messages that were read long ago.
 */
import { concatBytes } from "@sotto/protocol";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { deriveTreeSecret } from "ts-mls/crypto/kdf.js";
import { type GenerationSecret, deriveKey, deriveNonce } from "ts-mls/secretTree.js";
import { MLS_LIMITS } from "./limits.ts";

/**
 * The library's type and encoding; `secret` and `generation` are those of the next message, and `unusedGenerations` holds, for each skipped
 * one, its key followed by its nonce.
 */
export type Ratchet = GenerationSecret;

/** Key and nonce of a generation, and the ratchet without them. undefined: they were used, or skipped too long ago. */
export async function takeGeneration(
  ratchet: Ratchet,
  generation: number,
  impl: CiphersuiteImpl,
): Promise<{ key: Uint8Array; nonce: Uint8Array; ratchet: Ratchet } | undefined> {
  const { keyLength } = impl.hpke;
  if (generation < ratchet.generation) {
    const { [generation]: kept, ...unusedGenerations } = ratchet.unusedGenerations;
    if (kept === undefined) return undefined;
    return {
      key: kept.slice(0, keyLength),
      nonce: kept.slice(keyLength),
      ratchet: { ...ratchet, unusedGenerations },
    };
  }
  const skipped: [number, Uint8Array][] = Object.entries(ratchet.unusedGenerations).map(([at, kept]) => [
    Number(at),
    kept,
  ]);
  let secret = ratchet.secret;
  for (let at = ratchet.generation; at < generation; at++) {
    if (at >= generation - MLS_LIMITS.keptGenerations) {
      skipped.push([at, concatBytes(await deriveKey(secret, at, impl), await deriveNonce(secret, at, impl))]);
    }
    secret = await nextSecret(secret, at, ratchet, impl);
  }
  const key = await deriveKey(secret, generation, impl);
  const nonce = await deriveNonce(secret, generation, impl);
  const next = await nextSecret(secret, generation, ratchet, impl);
  return {
    key,
    nonce,
    ratchet: {
      secret: next,
      generation: generation + 1,
      unusedGenerations: Object.fromEntries(skipped.slice(-MLS_LIMITS.keptGenerations)),
    },
  };
}

/** One step, which wipes the secret that it came from unless that is the caller's. */
async function nextSecret(
  secret: Uint8Array,
  generation: number,
  { secret: callers }: Ratchet,
  impl: CiphersuiteImpl,
): Promise<Uint8Array> {
  const next = await deriveTreeSecret(secret, "secret", generation, impl.kdf.size, impl.kdf);
  if (secret !== callers) secret.fill(0);
  return next;
}

/** A nonce with a message's reuse guard in it (RFC 9420 §6.3.1). */
export function guardedNonce(nonce: Uint8Array, reuseGuard: Uint8Array): Uint8Array {
  return nonce.map((byte, i) => byte ^ (reuseGuard[i] ?? 0));
}
