/** Reading what a client's frames hold into the operations of the store. Every wrong length or number is refused here. */
import {
  CodecError,
  EntryKind,
  LIMITS,
  logId,
  slotId,
  type CreateLog,
  type LogId,
  type OpenSlot,
  type PutKeyPackages,
  type SlotId,
} from "@sotto/protocol";
import { idKey } from "../logs/id-key.ts";
import type { StoreOperation } from "../store.ts";
import type { AppendFields } from "./client-frames.ts";

const hashBytes = 32;
const tokenBytes = 32;

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;
type Sha256 = (data: Uint8Array) => Uint8Array;

/** A uint64 as a number. @throws CodecError `malformed` beyond 2^53 - 1. */
export function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed("a number is beyond 2^53 - 1");
  return Number(value);
}

/** A request's number. @throws CodecError `malformed` for 0. */
export function requestNumber(request: number): number {
  if (request === 0) throw malformed("a request must have a number that is not 0");
  return request;
}

/** undefined when empty. @throws CodecError `malformed` for another length than a slot's. */
export function optionalSlot(bytes: Uint8Array): SlotId | undefined {
  return bytes.length === 0 ? undefined : slotId(bytes);
}

/** The hash of an access token, undefined when it is empty. @throws CodecError `malformed`. */
export function optionalTokenHash(token: Uint8Array, sha256: Sha256): Uint8Array | undefined {
  if (token.length === 0) return undefined;
  if (token.length !== tokenBytes) throw malformed("an access token must have 32 bytes");
  return sha256(token);
}

/** Tag of InboxItem.classic: field 1, length-delimited. */
const classicTag = 0x0a;

/**
 * Whether an Append puts a classic message into an inbox, as clients write it. People who want to hide one among other
 * bytes can: this keeps an operator's word to clients, and is no secret from anybody.
 */
export function isClassicItem({ accessToken, body }: Pick<AppendFields, "accessToken" | "body">): boolean {
  return accessToken.length === 0 && body[0] === classicTag;
}

/** An Append as an operation; EPHEMERAL ones too, though they are not stored. @throws CodecError `malformed`, `too_large`. */
export function readAppend(append: AppendFields, sha256: Sha256, nowSec: number): Of<"append"> {
  const { body, kind, nextTokenHash } = append;
  const mostBytes = kind === EntryKind.COMMIT ? LIMITS.maxCommitBytes : LIMITS.maxEntryBytes;
  if (body.length > mostBytes) {
    throw new CodecError("too_large", `the body of such an entry may have ${mostBytes} bytes at most`);
  }
  if (kind !== EntryKind.MESSAGE && kind !== EntryKind.COMMIT && kind !== EntryKind.EPHEMERAL) {
    throw malformed("unknown kind of entry");
  }
  if (nextTokenHash.length !== (kind === EntryKind.COMMIT ? hashBytes : 0)) {
    throw malformed("next_token_hash must have 32 bytes with COMMIT and be empty otherwise");
  }
  return {
    type: "append",
    log: logId(append.logId),
    tokenHash: optionalTokenHash(append.accessToken, sha256),
    epoch: append.epoch === 0n ? 0 : safeNumber(append.epoch),
    kind,
    body,
    nextTokenHash: kind === EntryKind.COMMIT ? nextTokenHash : undefined,
    nowSec,
    ...(append.wakes && kind !== EntryKind.EPHEMERAL && { wakes: true }),
  };
}

/** @throws CodecError `malformed`. */
export function readCreateLog(create: CreateLog, nowSec: number): Of<"create-log"> {
  if (create.tokenHash.length !== hashBytes) throw malformed("token_hash must have 32 bytes");
  const epoch = safeNumber(create.epoch);
  if (epoch > LIMITS.maxFirstEpoch) throw malformed("no log begins with so great an epoch");
  return {
    type: "create-log",
    log: logId(create.logId),
    epoch,
    tokenHash: create.tokenHash,
    nowSec,
  };
}

/** @throws CodecError `malformed`. */
export function readOpenSlot(open: OpenSlot, sha256: Sha256, nowSec: number): Of<"open-slot"> {
  const tokenHash = optionalTokenHash(open.accessToken, sha256);
  if (tokenHash === undefined) throw malformed("an access token must have 32 bytes");
  return {
    type: "open-slot",
    log: logId(open.logId),
    slot: slotId(open.slotId),
    tokenHash,
    epoch: safeNumber(open.epoch),
    afterSeq: open.afterSeq === undefined ? undefined : safeNumber(open.afterSeq),
    nowSec,
  };
}

/** @throws CodecError `malformed`. */
export function readCloseSlot(close: { logId: Uint8Array; slotId: Uint8Array }): Of<"close-slot"> {
  return { type: "close-slot", log: logId(close.logId), slot: slotId(close.slotId) };
}

/** Bytes of all KeyPackages in a request. */
export function keyPackageBytes({ keyPackages, lastResort }: PutKeyPackages): number {
  return keyPackages.reduce((sum, { length }) => sum + length, lastResort.length);
}

/** Which reader of a connection a log and slot mean. */
export function readerKey(log: LogId, slot: SlotId | undefined): string {
  return slot === undefined ? idKey(log) : idKey(log) + idKey(slot);
}

/** A window within its limits; 0 means the default. @throws CodecError `malformed`. */
export function readWindow(window: number): number {
  if (window === 0) return LIMITS.defaultWindow;
  if (window > LIMITS.maxWindow) throw malformed(`a window may have ${LIMITS.maxWindow} entries at most`);
  return window;
}

/** @throws CodecError `malformed` unless there are this many bytes. */
export function exactBytes(what: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw malformed(`${what} must have ${length} bytes`);
  return bytes;
}

function malformed(message: string): CodecError {
  return new CodecError("malformed", message);
}
