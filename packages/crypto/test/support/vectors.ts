/** The vectors of the classic suite: fixed keys, the people in them, and the cases. See vectors/classic/README.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "@sotto/protocol";
import { parsePem } from "../../src/pem.ts";
import type { RsaKeyPair } from "../../src/provider.ts";
import { hex } from "./bytes.ts";

export const vectorFolder = join(import.meta.dirname, "../../../../vectors/classic");

export interface VectorCase {
  readonly name: string;
  readonly expect: string;
  readonly message?: string;
  readonly message_hex?: string;
  readonly plaintext?: string;
  readonly seen?: boolean;
  readonly in_plaintext?: boolean;
}

interface Vectors {
  readonly now: number;
  readonly self: string;
  readonly private_keys: readonly string[];
  readonly sender_account: string;
  readonly sender_devices: readonly {
    readonly address: string;
    readonly revoked_at: number;
    readonly keys: readonly {
      readonly name: string;
      readonly added_at: number;
      readonly retired_at: number;
      readonly revoked_at: number;
    }[];
  }[];
  readonly keys: Readonly<Record<string, { readonly private: string; readonly public: string }>>;
  readonly cases: readonly VectorCase[];
}

export const vectors = JSON.parse(readFileSync(join(vectorFolder, "messages.json"), "utf8")) as Vectors;

/** One of the fixed RSA pairs. */
export function key(
  name: string,
): RsaKeyPair & { readonly pem: { readonly private: string; readonly public: string } } {
  const pem = vectors.keys[name]!;
  return {
    pem,
    privateKey: parsePem("PRIVATE KEY", pem.private),
    publicKey: parsePem("PUBLIC KEY", pem.public),
  };
}

/** The bytes of a case's message. */
export function messageOf(vector: VectorCase): Uint8Array {
  return vector.message === undefined ? hex(vector.message_hex!) : utf8(vector.message);
}
