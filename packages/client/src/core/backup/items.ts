/**
 * The content of a backup file as items: each is 4 bytes of length, big-endian, then a serialized BackupItem. Pure.
 *
 * Invariants: nothing larger than an item is held; an account comes first, an end last, and nothing after it; what breaks that is refused as
 * a whole.
 */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BackupItemSchema,
  CodecError,
  StorageError,
  concatBytes,
  decode,
  type BackupItem,
} from "@sotto/protocol";

/** Largest serialized item, in bytes. */
export const MAX_BACKUP_ITEM_BYTES = 4_194_304;
const lengthBytes = 4;

/** One item, with its length before it. */
export function packItem(item: MessageInitShape<typeof BackupItemSchema>["item"]): Uint8Array {
  const bytes = toBinary(BackupItemSchema, create(BackupItemSchema, { item: item ?? { case: undefined } }));
  const length = new Uint8Array(lengthBytes);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}

/** Reads items out of pieces of any length. */
export interface ItemReader {
  /** The items that are whole with this piece. @throws StorageError `backup_damaged`. */
  push(piece: Uint8Array): readonly BackupItem[];
  /** All of it came. @throws StorageError `backup_damaged` unless an end was the last item. */
  end(): void;
}

/** Makes a reader. */
export function itemReader(): ItemReader {
  let rest: Uint8Array = new Uint8Array();
  let state: "start" | "items" | "ended" = "start";
  let messages = 0n;

  const check = (item: BackupItem): BackupItem => {
    const kind = item.item.case;
    const isFirst = state === "start";
    if (kind === undefined || state === "ended" || (kind === "account") !== isFirst) throw damaged();
    state = "items";
    if (item.item.case === "history") messages += BigInt(item.item.value.messages.length);
    if (item.item.case === "end") {
      if (item.item.value.messages !== messages) throw damaged();
      state = "ended";
    }
    return item;
  };

  return {
    push(piece) {
      rest = rest.length === 0 ? piece : concatBytes(rest, piece);
      const items: BackupItem[] = [];
      let at = 0;
      while (rest.length - at >= lengthBytes) {
        const length = new DataView(rest.buffer, rest.byteOffset + at, lengthBytes).getUint32(0);
        if (length > MAX_BACKUP_ITEM_BYTES) throw damaged();
        if (rest.length - at - lengthBytes < length) break;
        const bytes = rest.subarray(at + lengthBytes, at + lengthBytes + length);
        items.push(check(read(bytes)));
        at += lengthBytes + length;
      }
      rest = rest.slice(at);
      return items;
    },
    end() {
      if (state !== "ended" || rest.length > 0) throw damaged();
    },
  };
}

function read(bytes: Uint8Array): BackupItem {
  try {
    // A copy: what is read lives longer than the piece that it came in.
    return decode(BackupItemSchema, bytes.slice(), MAX_BACKUP_ITEM_BYTES);
  } catch (cause) {
    if (cause instanceof CodecError) throw damaged(cause);
    throw cause;
  }
}

function damaged(cause?: unknown): StorageError {
  return new StorageError("backup_damaged", "the backup is not one that Sotto wrote", { cause });
}
