/**
 * What is put into a device's inbox, sealed to the inbox key that the device lists, so that the server cannot tell what it is nor tie it
 * to a conversation: HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, info "sotto/inbox/v1", no
 * associated data, one message. It says nothing of who sealed it; what is inside must.
 *
 * Inside stand the length of the content (4 bytes, big-endian), the content, and zeros, so that all of it has a length by Padmé.
 */
import { CodecError, LABELS, utf8 } from "@sotto/protocol";
import type { HpkeSealed, KemKeyPair, MlsProvider } from "./mls/provider.ts";
import { padmeLength } from "./padme.ts";

const info = utf8(LABELS.inboxItem);
const lengthBytes = 4;
/** Small things look alike. */
const leastBytes = 1_024;

/** A new inbox key pair: X25519, 32 bytes each. */
export async function generateInboxKey(provider: MlsProvider): Promise<KemKeyPair> {
  return provider.suites.x25519.kemGenerate();
}

/**
 * Pads an item and seals it to an inbox key.
 * @throws CryptoError `key_invalid`: nothing can be sealed to this key.
 */
export async function sealInboxItem(
  provider: MlsProvider,
  inboxKey: Uint8Array,
  content: Uint8Array,
): Promise<HpkeSealed> {
  const padded = new Uint8Array(padmeLength(Math.max(leastBytes, lengthBytes + content.length)));
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, lengthBytes);
  return provider.suites.x25519.hpkeSeal(inboxKey, info, padded);
}

/** Opens an item of the own inbox. @throws CryptoError `decryption_failed`; CodecError `malformed` when it is not padded as it has to be. */
export async function openInboxItem(
  provider: MlsProvider,
  inboxKey: KemKeyPair,
  item: HpkeSealed,
): Promise<Uint8Array> {
  const padded = await provider.suites.x25519.hpkeOpen(inboxKey.privateKey, item, info);
  const length =
    padded.length < lengthBytes ? Infinity : new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  const end = lengthBytes + length;
  const rest = padded.subarray(end);
  const fits = padded.length === padmeLength(Math.max(leastBytes, end)) && rest.every((byte) => byte === 0);
  if (!fits) throw new CodecError("malformed", "an inbox item is not padded as it has to be");
  return padded.slice(lengthBytes, end);
}
