/** Ids that were used and are gone, in SQLite: as hashes, so that none is used again and none is told. */
import type { DatabaseSync } from "node:sqlite";
import { retiredHash } from "../retired-id.ts";

/** The table of one database. Its writes happen inside a transaction of the store. */
export class RetiredTable {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: DatabaseSync) {
    this.#sql = statements(database);
  }

  /** @param farewell of an account; undefined for an inbox. */
  add(id: Uint8Array, farewell?: Uint8Array): void {
    this.#sql.insert.run(retiredHash(id), farewell ?? null);
  }

  has(id: Uint8Array): boolean {
    return this.#sql.read.get(retiredHash(id)) !== undefined;
  }

  /** undefined for what is no account that was deleted. */
  farewell(account: Uint8Array): Uint8Array | undefined {
    return (this.#sql.read.get(retiredHash(account))?.["farewell"] as Uint8Array | null) ?? undefined;
  }
}

function statements(database: DatabaseSync) {
  return {
    insert: database.prepare("INSERT OR IGNORE INTO retired (hash, farewell) VALUES (?, ?)"),
    read: database.prepare("SELECT farewell FROM retired WHERE hash = ?"),
  };
}
