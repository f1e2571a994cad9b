/** Counts and hashes of what a server keeps, a table at a time: alike for the same data, in whatever database it lies. */
import { createHash, type Hash } from "node:crypto";
import { digested, encodeRow, type Row } from "./rows.ts";
import { TABLES, type TableName } from "./tables.ts";

/** Of one table. */
interface Count {
  readonly rows: number;
  /** SHA-256 of its rows in order, in hexadecimal; of entries with the hash of each body in its place. */
  readonly sha256: string;
}
/** Of all tables. */
export type Counts = Readonly<Record<TableName, Count>>;

/** What a server keeps, in figures. */
export interface DataSummary {
  /** Attachments, and their bytes. */
  readonly blobs: number;
  readonly blobBytes: number;
  readonly counts: Counts;
}

/** SHA-256, 32 bytes. */
export const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();

/** Adds rows up. */
export class Tally {
  readonly #rows: number[] = TABLES.map(() => 0);
  readonly #hashes: Hash[] = TABLES.map(() => createHash("sha256"));

  /** @param isDigested the row holds the hash of a body already. */
  add(row: Row, isDigested = false): void {
    const { index } = row.table;
    (this.#rows[index] as number)++;
    this.#hashes[index]?.update(encodeRow(isDigested ? row : digested(row, sha256)));
  }

  /** What came to. Nothing can be added afterwards. */
  end(): Counts {
    return Object.fromEntries(
      TABLES.map(({ name, index }) => [
        name,
        { rows: this.#rows[index] as number, sha256: (this.#hashes[index] as Hash).digest("hex") },
      ]),
    ) as unknown as Counts;
  }
}

/** The first table in which two differ. */
export function findDifference(a: Counts, b: Counts): TableName | undefined {
  return TABLES.find(({ name }) => a[name].rows !== b[name].rows || a[name].sha256 !== b[name].sha256)?.name;
}
