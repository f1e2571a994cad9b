/** The core's primitives, by node:crypto. */
import {
  createHash,
  createHmac,
  createPublicKey,
  randomBytes,
  randomInt,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { concatBytes, parseHex } from "@sotto/protocol";
import type { ServerCrypto } from "../core/crypto.ts";

// SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 §4).
const ed25519Prefix = parseHex("302a300506032b6570032100") ?? new Uint8Array();

/** The one implementation that a server uses. */
export const nodeCrypto: ServerCrypto = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  randomInteger: (below) => randomInt(below),
  sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
  equalSecrets: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  verifyEd25519(publicKey, data, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      const spki = Buffer.from(concatBytes(ed25519Prefix, publicKey));
      return verify(null, data, createPublicKey({ key: spki, format: "der", type: "spki" }), signature);
    } catch {
      return false;
    }
  },
};
