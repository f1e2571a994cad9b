/** The PostgreSQL adapter: the conformance suite, on a real database. */
import { afterAll, beforeAll } from "vitest";
import { TestPostgres } from "@sotto/testkit/postgres";
import { storeConformance } from "@sotto/testkit/store-conformance";
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
