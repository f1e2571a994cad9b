/** Rows of backups: one encoding each, in one order; what is damaged throws CodecError and nothing else. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CodecError } from "@sotto/protocol";
import { decodeRows, encodeRow, rowOf, type Row } from "../../src/backup/rows.ts";
import { differences, merged } from "../../src/backup/streams.ts";
import { TABLES, type Kind } from "../../src/backup/tables.ts";

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const values: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  id: bytes(16),
  hash: bytes(32),
  bytes: fc.uint8Array({ maxLength: 50 }),
  text: fc.string({ unit: "grapheme" }),
  number: fc.maxSafeNat(),
  flag: fc.nat({ max: 1 }),
};
const row: fc.Arbitrary<Row> = fc
  .constantFrom(...TABLES)
  .chain((table) =>
    fc
      .tuple(
        ...table.columns.map(({ kind, optional }) =>
          optional ? fc.option(values[kind], { nil: undefined }) : values[kind],
        ),
      )
      .map((found) => rowOf(table, found)),
  );
const rows = fc.array(row, { maxLength: 8 });

test("rows come out as they went in, and their encoding is the only one", () => {
  fc.assert(
    fc.property(rows, (given) => {
      const encoded = Buffer.concat(given.map(encodeRow));
      const read = decodeRows(encoded);
      expect(read).toEqual(given);
      expect(Buffer.concat(read.map(encodeRow)).equals(encoded)).toBe(true);
    }),
  );
});

/** Reads, and writes anew what was read; what is refused as it should be comes back as it was. */
function rewritten(encoded: Buffer): Buffer {
  try {
    return Buffer.concat(decodeRows(encoded).map(encodeRow));
  } catch (error) {
    if (error instanceof CodecError) return encoded;
    throw error;
  }
}

test("changed and random bytes throw CodecError, or are rows of that very encoding", () => {
  fc.assert(
    fc.property(rows, fc.nat(), fc.nat({ max: 255 }), (given, at, byte) => {
      const encoded = Buffer.concat(given.map(encodeRow));
      if (encoded.length > 0) encoded[at % encoded.length] = byte;
      const cut = encoded.subarray(0, at % (encoded.length + 1));
      for (const some of [encoded, cut]) expect(rewritten(some).equals(some)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
      expect(rewritten(Buffer.from(random)).equals(random)).toBe(true);
    }),
  );
});

const same = (a: Row, b: Row): boolean => encodeRow(a).equals(encodeRow(b));
const sorted = (given: readonly Row[]): Row[] => {
  const byOrder = new Map(given.map((one) => [one.order.toString("hex"), one]));
  return [...byOrder.values()].sort((a, b) => a.order.compare(b.order));
};
async function* stream(given: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield [];
  for (const one of given) yield [one];
}

test("streams of tables become one in order, and what differs between two is what is told", async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.array(fc.boolean()), async (one, other, both) => {
      const source = sorted(one);
      const target = sorted([...other, ...source.filter((_, at) => both[at] === true)]);
      const tables = TABLES.map((table) => stream(source.filter((found) => found.table === table)));
      const found: Row[] = [];
      for await (const some of merged(tables)) found.push(...some);
      expect(found).toEqual(source);
      const copy = new Map(target.map((kept) => [kept.order.toString("hex"), kept]));
      for await (const change of differences(stream(source), stream(target), same)) {
        if ("remove" in change) copy.delete(change.remove.order.toString("hex"));
        else copy.set(change.put.order.toString("hex"), change.put);
      }
      expect(sorted([...copy.values()])).toEqual(source);
    }),
    { numRuns: 50 },
  );
});
