/**
 * What travels between nodes, as bytes. Whatever cannot be read is dropped: it is only ever a hint.
 * - A wake: one byte of its type (1 stored, 2 ephemeral), 8 bytes of head or epoch, and the body of an ephemeral one.
 * - A notice: one byte of its type (1 account changed, 2 signed in), the account's id, and for the latter the device's.
 */
import { ID_BYTES, accountId, concatBytes, deviceId } from "@sotto/protocol";
import type { Notice, Wake } from "../../core/bus.ts";

const stored = 1;
const ephemeral = 2;
const accountChanged = 1;
const signedIn = 2;
const wakeHeadBytes = 9;

/** Entries do not travel: the database holds them. */
export function encodeWake(wake: Wake): Uint8Array {
  const head = new Uint8Array(wakeHeadBytes);
  const isStored = wake.type === "stored";
  head[0] = isStored ? stored : ephemeral;
  new DataView(head.buffer).setBigUint64(1, BigInt(isStored ? wake.headSeq : wake.epoch));
  return isStored ? head : concatBytes(head, wake.body);
}

/** undefined when it is none. */
export function decodeWake(bytes: Uint8Array): Wake | undefined {
  if (bytes.length < wakeHeadBytes) return undefined;
  const number = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1));
  if (!Number.isSafeInteger(number)) return undefined;
  if (bytes[0] === stored && bytes.length === wakeHeadBytes) return { type: "stored", headSeq: number };
  if (bytes[0] !== ephemeral) return undefined;
  return { type: "ephemeral", epoch: number, body: bytes.slice(wakeHeadBytes) };
}

/** Bytes of a notice. */
export function encodeNotice(notice: Notice): Uint8Array {
  return notice.type === "account-changed"
    ? concatBytes(Uint8Array.of(accountChanged), notice.account)
    : concatBytes(Uint8Array.of(signedIn), notice.account, notice.device);
}

/** undefined when it is none. */
export function decodeNotice(bytes: Uint8Array): Notice | undefined {
  const account = bytes.slice(1, 1 + ID_BYTES);
  const rest = bytes.slice(1 + ID_BYTES);
  if (bytes[0] === accountChanged && account.length === ID_BYTES && rest.length === 0) {
    return { type: "account-changed", account: accountId(account) };
  }
  if (bytes[0] === signedIn && rest.length === ID_BYTES) {
    return { type: "signed-in", account: accountId(account), device: deviceId(rest) };
  }
  return undefined;
}
