/**
 * The ratchet of one leaf for one kind of content (RFC 9420 §9.1). Of generations that were skipped, key and nonce
 * are kept (§9.2), `keptGenerations` of them. The library keeps the ratchet's secret instead, which gives the keys of every later
 * generation too, of messages that were read long ago.
 */
import { concatBytes } from "@sotto/protocol";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { GenerationSecret } from "ts-mls/secretTree.js";
import { expandMessageLabel, generationContext } from "./labels.ts";
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
      const { key, nonce } = await keyAndNonce(secret, at, impl);
      skipped.push([at, concatBytes(key, nonce)]);
    }
    secret = await nextSecret(secret, at, ratchet, impl);
  }
  const { key, nonce } = await keyAndNonce(secret, generation, impl);
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

async function keyAndNonce(
  secret: Uint8Array,
  generation: number,
  { hpke, kdf }: CiphersuiteImpl,
): Promise<{ key: Uint8Array; nonce: Uint8Array }> {
  const context = generationContext(generation);
  return {
    key: await expandMessageLabel(secret, "key", context, hpke.keyLength, kdf),
    nonce: await expandMessageLabel(secret, "nonce", context, hpke.nonceLength, kdf),
  };
}

/** One step, which wipes the secret that it came from unless that is the caller's. */
async function nextSecret(
  secret: Uint8Array,
  generation: number,
  { secret: callers }: Ratchet,
  impl: CiphersuiteImpl,
): Promise<Uint8Array> {
  const { kdf } = impl;
  const next = await expandMessageLabel(secret, "secret", generationContext(generation), kdf.size, kdf);
  if (secret !== callers) secret.fill(0);
  return next;
}

/** A nonce with a message's reuse guard in it (RFC 9420 §6.3.1). */
export function guardedNonce(nonce: Uint8Array, reuseGuard: Uint8Array): Uint8Array {
  return nonce.map((byte, i) => byte ^ (reuseGuard[i] ?? 0));
}
