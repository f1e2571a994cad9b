/** Sender data (RFC 9420 §6.3.2): who sent a message and which of their keys it takes, sealed with a key that the ciphertext gives. */
import { expandMessageLabel } from "./labels.ts";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import {
  type SenderData,
  decodeSenderData,
  encodeSenderData,
  encodeSenderDataAAD,
  sampleCiphertext,
} from "ts-mls/sender.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";

type Frame = Pick<PrivateMessage, "groupId" | "epoch" | "contentType">;

/** Seals the sender data of a message. */
export async function sealSenderData(
  senderDataSecret: Uint8Array,
  senderData: SenderData,
  frame: Frame,
  ciphertext: Uint8Array,
  impl: CiphersuiteImpl,
): Promise<Uint8Array> {
  const { key, nonce } = await keysOf(senderDataSecret, ciphertext, impl);
  return impl.hpke.encryptAead(key, nonce, encodeSenderDataAAD(frame), encodeSenderData(senderData));
}

/** Opens it; undefined when it does not decode. Throws when it does not open. */
export async function openSenderData(
  senderDataSecret: Uint8Array,
  message: PrivateMessage,
  impl: CiphersuiteImpl,
): Promise<SenderData | undefined> {
  const { key, nonce } = await keysOf(senderDataSecret, message.ciphertext, impl);
  const aad = encodeSenderDataAAD(message);
  return decodeSenderData(await impl.hpke.decryptAead(key, nonce, aad, message.encryptedSenderData), 0)?.[0];
}

async function keysOf(
  secret: Uint8Array,
  ciphertext: Uint8Array,
  impl: CiphersuiteImpl,
): Promise<{ key: Uint8Array; nonce: Uint8Array }> {
  const sample = sampleCiphertext(impl, ciphertext);
  const { keyLength, nonceLength } = impl.hpke;
  return {
    key: await expandMessageLabel(secret, "key", sample, keyLength, impl.kdf),
    nonce: await expandMessageLabel(secret, "nonce", sample, nonceLength, impl.kdf),
  };
}
