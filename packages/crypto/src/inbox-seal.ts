/**
 * What is put into a device's inbox, sealed to the inbox key that the device lists, so that the server cannot tell what it is nor tie it
 * to a conversation: HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, info "sotto/inbox/v1", no
 * associated data, one message. It says nothing of who sealed it; what is inside must.
 */
import { LABELS, utf8 } from "@sotto/protocol";
import type { HpkeSealed, KemKeyPair, MlsProvider } from "./mls/provider.ts";

const info = utf8(LABELS.inboxItem);

/** A new inbox key pair: X25519, 32 bytes each. */
export async function generateInboxKey(provider: MlsProvider): Promise<KemKeyPair> {
  return provider.suites.x25519.kemGenerate();
}

/**
 * Seals an item to an inbox key.
 * @throws CryptoError `key_invalid`: nothing can be sealed to this key.
 */
export async function sealInboxItem(
  provider: MlsProvider,
  inboxKey: Uint8Array,
  plaintext: Uint8Array,
): Promise<HpkeSealed> {
  return provider.suites.x25519.hpkeSeal(inboxKey, info, plaintext);
}

/** Opens an item of the own inbox. @throws CryptoError `decryption_failed`. */
export async function openInboxItem(
  provider: MlsProvider,
  inboxKey: KemKeyPair,
  item: HpkeSealed,
): Promise<Uint8Array> {
  return provider.suites.x25519.hpkeOpen(inboxKey.privateKey, item, info);
}
