/** Sender data (RFC 9420 §6.3.2): who sent a message and which of their keys it takes, sealed with a key that the ciphertext gives. */
import { type SenderData, sampleCiphertext } from "ts-mls/sender.js";
import type { SuiteImpl } from "./ciphersuite.ts";
import { found } from "./group-state.ts";
import { expandMessageLabels } from "./labels.ts";
import { readSenderData, writeSenderData } from "./message-bytes.ts";

/** Seals the sender data of a message. @param frame as frameBytes gives it. */
export async function sealSenderData(
  senderDataSecret: Uint8Array,
  senderData: SenderData,
  frame: Uint8Array,
  ciphertext: Uint8Array,
  impl: SuiteImpl,
): Promise<Uint8Array> {
  const { key, nonce } = await keysOf(senderDataSecret, ciphertext, impl);
  return impl.hpke.encryptAead(key, nonce, frame, writeSenderData(senderData));
}

/** Opens it; undefined when it does not decode. Throws when it does not open. @param frame as frameBytes gives it. */
export async function openSenderData(
  senderDataSecret: Uint8Array,
  sealed: Uint8Array,
  frame: Uint8Array,
  ciphertext: Uint8Array,
  impl: SuiteImpl,
): Promise<SenderData | undefined> {
  const { key, nonce } = await keysOf(senderDataSecret, ciphertext, impl);
  return readSenderData(await impl.hpke.decryptAead(key, nonce, frame, sealed));
}

async function keysOf(
  secret: Uint8Array,
  ciphertext: Uint8Array,
  impl: SuiteImpl,
): Promise<{ key: Uint8Array; nonce: Uint8Array }> {
  const { hpke, kdf } = impl;
  const wanted = [
    ["key", hpke.keyLength],
    ["nonce", hpke.nonceLength],
  ] as const;
  const [key, nonce] = await expandMessageLabels(secret, sampleCiphertext(impl, ciphertext), wanted, kdf);
  return { key: found(key), nonce: found(nonce) };
}
