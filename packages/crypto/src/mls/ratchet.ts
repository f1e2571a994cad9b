/**
 * The ratchet of one leaf for one kind of content (RFC 9420 §9.1). Of generations that were skipped, key and nonce
 * are kept (§9.2), `keptGenerations` of them. The library keeps the ratchet's secret instead, which gives the keys of every later
 * generation too, of messages that were read long ago.
 */
import { concatBytes } from "@sotto/protocol";
import type { GenerationSecret } from "ts-mls/secretTree.js";
import { expandMessageLabels, generationContext } from "./labels.ts";
import type { SuiteImpl } from "./ciphersuite.ts";
import { found } from "./group-state.ts";
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
  impl: SuiteImpl,
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
    if (at < generation - MLS_LIMITS.keptGenerations) secret = await skip(secret, at, ratchet, impl);
    else {
      const { key, nonce, next } = await step(secret, at, ratchet, impl);
      skipped.push([at, concatBytes(key, nonce)]);
      secret = next;
    }
  }
  const { key, nonce, next } = await step(secret, generation, ratchet, impl);
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

/** A step of which no key is kept. */
async function skip(
  secret: Uint8Array,
  generation: number,
  { secret: callers }: Ratchet,
  { kdf }: SuiteImpl,
): Promise<Uint8Array> {
  const context = generationContext(generation);
  const [next] = await expandMessageLabels(secret, context, [["secret", kdf.size]], kdf);
  if (secret !== callers) secret.fill(0);
  return found(next);
}

/** One step: key and nonce of a generation, and the secret of the next. Wipes the secret that they came from unless that is the caller's. */
async function step(
  secret: Uint8Array,
  generation: number,
  { secret: callers }: Ratchet,
  { hpke, kdf }: SuiteImpl,
): Promise<{ key: Uint8Array; nonce: Uint8Array; next: Uint8Array }> {
  const wanted = [
    ["key", hpke.keyLength],
    ["nonce", hpke.nonceLength],
    ["secret", kdf.size],
  ] as const;
  const [key, nonce, next] = await expandMessageLabels(secret, generationContext(generation), wanted, kdf);
  if (secret !== callers) secret.fill(0);
  return { key: found(key), nonce: found(nonce), next: found(next) };
}

/** A nonce with a message's reuse guard in it (RFC 9420 §6.3.1). */
export function guardedNonce(nonce: Uint8Array, reuseGuard: Uint8Array): Uint8Array {
  return nonce.map((byte, i) => byte ^ (reuseGuard[i] ?? 0));
}
