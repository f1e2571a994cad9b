/** The PostgreSQL adapter: the conformance suites, on a real database. */
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { blobFilesConformance } from "@sotto/testkit/blob-conformance";
import { TestPostgres } from "@sotto/testkit/postgres";
import { storeConformance } from "@sotto/testkit/store-conformance";
import type { PostgresStore } from "../../src/adapters/postgres/store.ts";
import { StoreDatabase } from "../support/postgres.ts";

let postgres: TestPostgres;
let database: StoreDatabase;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  database = await StoreDatabase.create(postgres);
});
afterAll(() => postgres.stop());

storeConformance(
  "PostgreSQL",
  async (limits) => {
    await database.empty();
    return database.open(limits);
  },
  async (store, limits) => {
    await store.close();
    return database.open(limits);
  },
);

describe("the bytes of blobs, on two nodes", () => {
  let nodes: PostgresStore[];
  beforeAll(async () => {
    nodes = await Promise.all([database.open(), database.open()]);
    return () => Promise.all(nodes.map((node) => node.close()));
  });
  beforeEach(() => database.empty());

  blobFilesConformance(
    "PostgreSQL",
    () => nodes[0]!.blobFiles,
    () => nodes[1]!.blobFiles,
  );
});
