/**
 * Opens sealed registration requests and seals the answers, exactly as `Sealed` in registration.proto tells.
 * Answers are padded to a multiple of 256 bytes, so that success and refusal look alike in length.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AnswerSchema,
  CryptoError,
  LABELS,
  ValidationError,
  type Answer,
  type Label,
  type Sealed,
} from "@sotto/protocol";
import type { ServerKey } from "./server-key.ts";

/** The methods whose requests are sealed; the name is bound into both directions. */
export type SealedMethod =
  | "RequestCode"
  | "Register"
  | "OpenLink"
  | "AwaitLink"
  | "Recover"
  | "ReadLists"
  | "FinishRecovery"
  | "Reset";

/** What came out of a seal. */
export interface Opened {
  readonly payload: Uint8Array;
  /** The request's secret, 32 bytes: tells one request from another, and seals the answer. */
  readonly secret: Uint8Array;
}

const nonce = new Uint8Array(12);
const tagBytes = 16;
const blockBytes = 256;

/** @throws ValidationError `malformed`, CryptoError `unsealing_failed`: one and the same whatever was wrong inside. */
export async function openSealed(
  key: ServerKey,
  method: SealedMethod,
  sealed: Sealed | undefined,
): Promise<Opened> {
  if (sealed === undefined || sealed.wrappedSecret.length !== 256 || sealed.ciphertext.length < tagBytes) {
    throw new ValidationError("malformed", "the request holds no sealed message");
  }
  const secret = await key.open(sealed.wrappedSecret);
  if (secret.length !== 32) throw failed();
  const requestKey = derive(secret, LABELS.registrationRequest);
  const split = sealed.ciphertext.length - tagBytes;
  const decipher = createDecipheriv("aes-256-gcm", requestKey, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(method));
  decipher.setAuthTag(sealed.ciphertext.subarray(split));
  const start = decipher.update(sealed.ciphertext.subarray(0, split));
  try {
    return { payload: new Uint8Array(Buffer.concat([start, decipher.final()])), secret };
  } catch {
    throw failed();
  }
}

/**
 * Seals an answer to whoever knows the request's secret. Anybody may send one request twice, so the key depends on fresh
 * bytes of ours too: else two answers would share key and nonce.
 */
export function sealAnswer(secret: Uint8Array, method: SealedMethod, outcome: Answer["outcome"]): Uint8Array {
  const salt = randomBytes(32);
  const cipher = createCipheriv("aes-256-gcm", derive(secret, LABELS.registrationResponse, salt), nonce);
  cipher.setAAD(Buffer.from(method));
  const parts = [salt, cipher.update(padded(outcome)), cipher.final(), cipher.getAuthTag()];
  return new Uint8Array(Buffer.concat(parts));
}

/** An Answer of a multiple of 256 bytes. */
function padded(outcome: Answer["outcome"]): Uint8Array {
  const bare = toBinary(AnswerSchema, create(AnswerSchema, { outcome })).length;
  // The padding field costs one byte of tag and one or two of length: go to the next block that can be hit exactly.
  for (let target = Math.ceil((bare + 2) / blockBytes) * blockBytes; ; target += blockBytes) {
    for (const overhead of [2, 3]) {
      const padding = new Uint8Array(Math.max(0, target - bare - overhead));
      const bytes = toBinary(AnswerSchema, create(AnswerSchema, { outcome, padding }));
      if (bytes.length === target) return bytes;
    }
  }
}

function derive(secret: Uint8Array, label: Label, salt: Uint8Array = new Uint8Array()): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, label, 32));
}

function failed(): CryptoError {
  return new CryptoError("unsealing_failed", "the request was not sealed to this server's key");
}
