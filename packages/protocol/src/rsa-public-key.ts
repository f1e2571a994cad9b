/**
 * The only RSA public keys that Sotto takes: RSA-2048 with e = 65537, SubjectPublicKeyInfo in canonical DER (RFC 8017
 * appendix A.1, RFC 5280 §4.1.2.7). With both numbers fixed in size the encoding is one prefix, the modulus, one suffix,
 * so no DER parser is needed, and one key has one encoding.
 */
import { equalBytes, parseHex } from "./bytes.ts";

const prefix = hex(
  // SEQUENCE(290) { SEQUENCE { OID rsaEncryption, NULL }, BIT STRING(271) { SEQUENCE(266) { INTEGER(257) 00 … } } }
  "30820122300d06092a864886f70d01010105000382010f003082010a0282010100",
);
// INTEGER 65537
const suffix = hex("0203010001");
const modulusBytes = 256;

/** Length in bytes of such a key. */
export const RSA_PUBLIC_KEY_BYTES = prefix.length + modulusBytes + suffix.length;

/** Whether bytes are an RSA-2048 public key with e = 65537 in canonical DER, with a modulus of exactly 2,048 bits that is odd. */
export function isRsa2048PublicKey(spki: Uint8Array): boolean {
  if (spki.length !== RSA_PUBLIC_KEY_BYTES) return false;
  const end = prefix.length + modulusBytes;
  if (!equalBytes(spki.subarray(0, prefix.length), prefix)) return false;
  if (!equalBytes(spki.subarray(end), suffix)) return false;
  const [top = 0, low = 0] = [spki[prefix.length], spki[end - 1]];
  return (top & 0x80) !== 0 && (low & 1) === 1;
}

function hex(text: string): Uint8Array {
  return parseHex(text) ?? new Uint8Array();
}
