/** What lives for minutes, on a real database. */
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { transientConformance } from "@sotto/testkit/transient-conformance";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PostgresStore } from "../../src/adapters/postgres/store.ts";
import { StoreDatabase } from "../support/postgres.ts";

let postgres: TestPostgres;
let database: StoreDatabase;
let store: PostgresStore | undefined;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  database = await StoreDatabase.create(postgres);
});
afterEach(async () => {
  await store?.close();
  store = undefined;
});
afterAll(() => postgres.stop());

async function open(nowMs: () => number) {
  await database.empty();
  store = await database.open(undefined, nowMs);
  return store.transient;
}

transientConformance("PostgreSQL", open);

test("what expired leaves the table when something is added later", async () => {
  const clock = { nowMs: 1_000_000 };
  const transient = await open(() => clock.nowMs);
  const id = new Uint8Array(16);
  for (let n = 0; n < 5; n++) await transient.put("code", id.fill(n), id, 1_010_000);
  clock.nowMs = 1_100_000;
  await transient.put("code", id.fill(9), id, 1_200_000);
  const rows = await withClient(database.url, async (client) => {
    return (await client.query<{ n: string }>("SELECT count(*) AS n FROM sotto.transient")).rows;
  });
  expect(rows).toEqual([{ n: "1" }]);
});
