/**
 * Rows, their place in the order of all rows, and their bytes.
 *
 * A row's bytes are its table's index, then each column as a length (4 bytes, big-endian; 0xffffffff: absent) and a value; numbers have 8 bytes.
 * One row has one encoding, and nothing else is read.
 */
import { CodecError } from "@sotto/protocol";
import { TABLES, tableOf, type Kind, type Table, type Value } from "./tables.ts";

/** A row. */
export interface Row {
  readonly table: Table;
  readonly values: readonly Value[];
  /** Comparing these as bytes gives the order. */
  readonly order: Buffer;
  /** Of a row whose body was replaced by its hash: the row as it was. */
  readonly full?: Row;
}
/** Rows as they come, a few at a time and in order, so that no table has to fit into memory. */
export type Rows = AsyncIterable<readonly Row[]>;

const absent = 0xffff_ffff;
const numberBytes = 8;
const fixed: Readonly<Record<Kind, number | undefined>> = {
  id: 16,
  hash: 32,
  number: numberBytes,
  flag: numberBytes,
  bytes: undefined,
  text: undefined,
};

/** What a row of `blobs` tells of a blob. */
export interface BlobFacts {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly size: number;
  /** Whether all of its bytes have come. */
  readonly isWhole: boolean;
}

/** The blob of a row; undefined for a row of another table. */
export function blobOf({ table, values }: Row): BlobFacts | undefined {
  if (table.name !== "blobs") return undefined;
  const [id, , size, received] = values as [Uint8Array, Uint8Array, number, number];
  return { id, size, isWhole: received === size };
}

/** The blobs that rows tell of. */
export async function* blobsIn(rows: Rows): AsyncGenerator<BlobFacts> {
  for await (const some of rows) {
    for (const row of some) {
      const blob = blobOf(row);
      if (blob !== undefined) yield blob;
    }
  }
}

/** Makes a row of values as a database gives them: NULL is absent, true is 1. */
export function rowOf(table: Table, values: readonly unknown[]): Row {
  const plain = values.map((value) =>
    value === null ? undefined : typeof value === "boolean" ? Number(value) : (value as Value),
  );
  return { table, values: plain, order: orderOf(table, plain) };
}

function orderOf(table: Table, values: readonly Value[]): Buffer {
  const [owner = Buffer.alloc(0), ...rest] = values.slice(0, table.keyLength).map(bytesOf);
  return Buffer.concat([Buffer.of(table.section), owner, Buffer.of(table.index), ...rest]);
}

function bytesOf(value: Value): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  if (typeof value !== "number") return Buffer.from(value ?? []);
  const bytes = Buffer.alloc(numberBytes);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The bytes of a row. */
export function encodeRow({ table, values }: Row): Buffer {
  const parts: Buffer[] = [Buffer.of(table.index)];
  for (const value of values) {
    const bytes = bytesOf(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value === undefined ? absent : bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** Reads rows that stand one after another. @throws CodecError `malformed`. */
export function decodeRows(bytes: Buffer): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < bytes.length;) {
    const table = TABLES[bytes[at++] as number];
    if (table === undefined) throw malformed("no such table");
    const values: Value[] = [];
    for (const { kind, optional } of table.columns) {
      if (at + 4 > bytes.length) throw malformed("a row is cut short");
      const length = bytes.readUInt32BE(at);
      at += 4;
      if (length === absent) {
        if (!optional) throw malformed("a value is missing");
        values.push(undefined);
        continue;
      }
      if (at + length > bytes.length) throw malformed("a row is cut short");
      values.push(valueOf(kind, bytes.subarray(at, at + length)));
      at += length;
    }
    rows.push(rowOf(table, values));
  }
  return rows;
}

function valueOf(kind: Kind, bytes: Buffer): Value {
  if (fixed[kind] !== undefined && bytes.length !== fixed[kind])
    throw malformed("a value has a wrong length");
  if (kind === "number" || kind === "flag") {
    const number = Number(bytes.readBigUInt64BE());
    if (!Number.isSafeInteger(number) || (kind === "flag" && number > 1))
      throw malformed("a number is too large");
    return number;
  }
  if (kind !== "text") return Uint8Array.from(bytes);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes)) throw malformed("a text is not UTF-8");
  return text;
}

const body = tableOf("entries").columns.findIndex(({ name }) => name === "body");

/** The same row with a hash in the place of an entry's body: what is compared and counted, so that a database can do the hashing. */
export function digested(row: Row, sha256: (data: Uint8Array) => Uint8Array): Row {
  if (row.table.name !== "entries") return row;
  const values = row.values.with(body, sha256(row.values[body] as Uint8Array));
  return { table: row.table, order: row.order, values, full: row };
}

function malformed(why: string): CodecError {
  return new CodecError("malformed", why);
}
