/** Both storage adapters run the same suite; SQLite's own behaviour is tested below it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { storageConformance } from "@sotto/testkit/storage-conformance";
import { memoryStorage, type MemoryRows } from "../src/adapters/memory-storage.ts";
import { sqliteStorage } from "../src/adapters/node/sqlite-storage.ts";
import { freshFolder } from "./support/folders.ts";

const freshPath = () => join(freshFolder(), "store.sqlite");

let rows: MemoryRows;
storageConformance(
  "memory",
  async () => memoryStorage((rows = new Map())),
  async () => memoryStorage(rows),
);

let path: string;
storageConformance(
  "SQLite",
  async () => sqliteStorage((path = freshPath())),
  async () => sqliteStorage(path),
);

test("a database of another program is refused and left as it was", () => {
  const foreign = freshPath();
  const database = new DatabaseSync(foreign);
  database.exec("CREATE TABLE songs (name TEXT)");
  database.close();
  const before = readFileSync(foreign);
  expect(() => sqliteStorage(foreign)).toThrow(expect.objectContaining({ code: "vault_foreign" }));
  expect(readFileSync(foreign).equals(before)).toBe(true);
});

test("a file that is no database is called damaged and left as it was", () => {
  const damaged = freshPath();
  writeFileSync(damaged, "this is no database, and long enough to be read as a header of one ".repeat(9));
  const before = readFileSync(damaged);
  expect(() => sqliteStorage(damaged)).toThrow(expect.objectContaining({ code: "vault_damaged" }));
  expect(readFileSync(damaged).equals(before)).toBe(true);
});
