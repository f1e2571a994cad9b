/** Two nodes over one real PostgreSQL and one folder of keys: what one began, the other goes on with. */
import { TestPostgres } from "@sotto/testkit/postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAccount } from "../support/account.ts";
import { register, requestCode } from "../support/sealed-client.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.stop());

const ann = "+15551230001";

async function twoNodes(): Promise<[TestServer, TestServer]> {
  const database = await postgres.createDatabase();
  const one = await startTestServer({ database });
  return [one, await startTestServer({ database, data: one.dataFolder })];
}

test("a code that was asked for on one node registers on the other, once", async () => {
  const [one, two] = await twoNodes();
  expect(two.fingerprint).toBe(one.fingerprint);
  await requestCode(one.origin, ann);
  const code = one.codeFor(ann);
  expect((await register(two.origin, ann, code, newAccount().signed)).code).toBe("ok");
  expect((await register(one.origin, ann, code, newAccount().signed)).code).toBe("code_refused");
  await requestCode(two.origin, ann);
  expect((await register(one.origin, ann, two.codeFor(ann), newAccount().signed)).code).toBe(
    "identifier_taken",
  );
});

test("wrong codes count wherever they are tried", async () => {
  const [one, two] = await twoNodes();
  await requestCode(one.origin, ann);
  const code = one.codeFor(ann);
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
  for (const node of [one, two, one, two, one]) {
    expect((await register(node.origin, ann, wrong, newAccount().signed)).code).toBe("code_refused");
  }
  expect((await register(two.origin, ann, code, newAccount().signed)).code).toBe("code_refused");
});
