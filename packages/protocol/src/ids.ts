/**
 * Branded ids: 16 random bytes each, of different types so that one cannot stand in for another.
 */
import { CodecError } from "./errors.ts";
import { parseHex, toHex } from "./bytes.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = Uint8Array & { readonly [brand]: Name };

/** A person on this server, 16 random bytes. */
export type AccountId = Branded<"AccountId">;
/** One installation of an account, 16 random bytes. */
export type DeviceId = Branded<"DeviceId">;
/** An append-only sequence of entries: an inbox or a conversation log, 16 random bytes. */
export type LogId = Branded<"LogId">;
/** A reader's place in a conversation log, 16 random bytes; knowing it is holding it. */
export type SlotId = Branded<"SlotId">;

/** Length of every id in bytes. */
export const ID_BYTES = 16;

function checked<T>(what: string, bytes: Uint8Array): T {
  if (bytes.length !== ID_BYTES) throw new CodecError("malformed", `${what} must have ${ID_BYTES} bytes`);
  return bytes as T;
}

/** Brands 16 bytes as an account id (a view, no copy). @throws CodecError `malformed` for another length. */
export const accountId = (bytes: Uint8Array): AccountId => checked("account_id", bytes);
/** Brands 16 bytes as a device id (a view, no copy). @throws CodecError `malformed` for another length. */
export const deviceId = (bytes: Uint8Array): DeviceId => checked("device_id", bytes);
/** Brands 16 bytes as a log id (a view, no copy). @throws CodecError `malformed` for another length. */
export const logId = (bytes: Uint8Array): LogId => checked("log_id", bytes);
/** Brands 16 bytes as a slot id (a view, no copy). @throws CodecError `malformed` for another length. */
export const slotId = (bytes: Uint8Array): SlotId => checked("slot_id", bytes);

/** An id as 32 lower-case hexadecimal digits. */
export const formatId = (id: AccountId | DeviceId | LogId | SlotId): string => toHex(id);

/** The bytes of 32 lower-case hexadecimal digits, to be branded; undefined for anything else. */
export function parseId(text: string): Uint8Array | undefined {
  return /^[0-9a-f]{32}$/.test(text) ? parseHex(text) : undefined;
}
