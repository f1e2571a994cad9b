/** RSA-2048 keys of the classic suite, and of the server, as people exchange them: PEM. */
import { CryptoError, isRsa2048PublicKey } from "@sotto/protocol";
import { formatPem, parsePem } from "../pem.ts";
import type { Awaitable, CryptoProvider, RsaKeyPair } from "../provider.ts";

/** A fresh RSA-2048 pair. */
export function generateClassicKey(provider: CryptoProvider): Awaitable<RsaKeyPair> {
  return provider.rsaGenerate();
}

/** A public key (SubjectPublicKeyInfo) as PEM. */
export const exportPublicKey = (publicKey: Uint8Array): string => formatPem("PUBLIC KEY", publicKey);

/** A private key (PKCS #8, not encrypted) as PEM. */
export const exportPrivateKey = (privateKey: Uint8Array): string => formatPem("PRIVATE KEY", privateKey);

/** The SubjectPublicKeyInfo in PEM text. @throws UsageError `usage`; CryptoError `key_invalid` unless it is RSA-2048 with e = 65537. */
export function importPublicKey(pem: string): Uint8Array {
  const publicKey = parsePem("PUBLIC KEY", pem);
  if (!isRsa2048PublicKey(publicKey))
    throw new CryptoError("key_invalid", "not an RSA-2048 public key with e = 65537");
  return publicKey;
}

/** The PKCS #8 key in PEM text, tried out once. @throws UsageError `usage`; CryptoError `key_invalid`. */
export async function importPrivateKey(provider: CryptoProvider, pem: string): Promise<Uint8Array> {
  const privateKey = parsePem("PRIVATE KEY", pem);
  await provider.rsaPssSign(privateKey, new Uint8Array());
  return privateKey;
}
