/**
 * Values on the wire of PostgreSQL: what goes there is binary, so that bodies are neither escaped nor doubled; what comes from
 * there is text, the only form that the driver reads.
 */

const oids = { uuid: 2950, bytea: 17, int8: 20, bool: 16 } as const;

/** An array of ids or bytes in PostgreSQL's binary form; undefined is NULL. */
export function bytesArray(type: "uuid" | "bytea", items: readonly (Uint8Array | undefined)[]): Buffer {
  let length = headerBytes;
  for (const item of items) length += 4 + (item?.length ?? 0);
  const array = Buffer.allocUnsafe(length);
  let at = writeHeader(array, oids[type], items.length);
  for (const item of items) {
    at = array.writeInt32BE(item?.length ?? -1, at);
    if (item === undefined) continue;
    array.set(item, at);
    at += item.length;
  }
  return array;
}

/** An array of whole numbers as PostgreSQL's bigint[] in binary form. */
export function numbersArray(items: readonly number[]): Buffer {
  const array = Buffer.allocUnsafe(headerBytes + items.length * 12);
  let at = writeHeader(array, oids.int8, items.length);
  for (const item of items) {
    at = array.writeInt32BE(8, at);
    at = array.writeInt32BE(Math.floor(item / 0x1_0000_0000), at);
    at = array.writeUInt32BE(item % 0x1_0000_0000, at);
  }
  return array;
}

const headerBytes = 20;

/** One dimension, which may hold NULLs and begins at 1. Of length 0 it is an array without elements all the same. */
function writeHeader(array: Buffer, oid: number, length: number): number {
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(1, at);
  at = array.writeInt32BE(oid, at);
  at = array.writeInt32BE(length, at);
  return array.writeInt32BE(1, at);
}

const bytesOf = (hex: string, from: number): Uint8Array => {
  const { buffer, byteOffset, length } = Buffer.from(from === 0 ? hex : hex.slice(from), "hex");
  return new Uint8Array(buffer, byteOffset, length);
};

const readers: Readonly<Record<number, (text: string) => unknown>> = {
  [oids.uuid]: (text) => bytesOf(text.replaceAll("-", ""), 0),
  [oids.bytea]: (text) => bytesOf(text, 2),
  [oids.int8]: Number,
  [oids.bool]: (text) => text === "t",
  21: Number,
  23: Number,
};

/** How the driver reads values: ids and bytes as Uint8Array, numbers as numbers, and the rest as text. */
export const TYPES = {
  getTypeParser: (oid: number) => readers[oid] ?? ((text: string) => text),
};
