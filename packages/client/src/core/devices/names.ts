/** What people call their devices: on the device list, readable for the account's own devices only. */
import { LABELS, utf8, fromUtf8 } from "@sotto/protocol";
import type { Env } from "../env.ts";

const nonceBytes = 12;
const longestName = 64;

/** Seals a name: nonce || AES-256-GCM, padded so that its length tells nothing. At most 160 bytes. */
export async function sealName(env: Env, backupKey: Uint8Array, name: string): Promise<Uint8Array> {
  const text = utf8(shortened(name));
  const padded = new Uint8Array(132);
  padded.set(text);
  const nonce = env.crypto.randomBytes(nonceBytes);
  const sealed = await env.crypto.aesGcmSeal(await keyOf(env, backupKey), nonce, padded, new Uint8Array());
  return new Uint8Array([...nonce, ...sealed]);
}

/** The name in the clear; empty when there is none or it cannot be read. */
export async function openName(env: Env, backupKey: Uint8Array, sealed: Uint8Array): Promise<string> {
  if (sealed.length <= nonceBytes) return "";
  try {
    const padded = await env.crypto.aesGcmOpen(
      await keyOf(env, backupKey),
      sealed.subarray(0, nonceBytes),
      sealed.subarray(nonceBytes),
      new Uint8Array(),
    );
    const end = padded.indexOf(0);
    return shortened(fromUtf8(end < 0 ? padded : padded.subarray(0, end)));
  } catch {
    return "";
  }
}

function shortened(name: string): string {
  let text = [...name.trim()].slice(0, longestName).join("");
  // Characters may take four bytes each.
  while (utf8(text).length > 128) text = text.slice(0, -1);
  return text;
}

const keyOf = async (env: Env, backupKey: Uint8Array): Promise<Uint8Array> =>
  env.crypto.hkdfSha256(backupKey, new Uint8Array(), utf8(LABELS.deviceName), 32);
