/** Ids as records hold them (hexadecimal), and as they travel (bytes). */
import { InternalError, accountId, deviceId, parseId } from "@sotto/protocol";
import type { AccountId, DeviceId } from "@sotto/protocol";
import type { ClassicAddress } from "@sotto/crypto";

/** The 16 bytes of an id that is known to be one. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = parseId(hex);
  if (bytes === undefined) throw new InternalError("internal", "a stored id is malformed");
  return bytes;
}

export const accountOf = (hex: string): AccountId => accountId(bytesOf(hex));
export const deviceOf = (hex: string): DeviceId => deviceId(bytesOf(hex));

/** A classic address of two hexadecimal ids. */
export const addressOf = (account: string, device: string): ClassicAddress => ({
  account: accountOf(account),
  device: deviceOf(device),
});
