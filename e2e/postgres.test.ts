/** People of a server that keeps its data in PostgreSQL: nothing is different for them, not even when the database dies under it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestPostgres } from "@sotto/testkit/postgres";
import { start, TestServer, type Person } from "./support/sotto.ts";

let postgres: TestPostgres;
let database: string;
let server: TestServer;
let ann: Person;
let ben: Person;

beforeAll(async () => {
  postgres = await TestPostgres.start({ durable: true });
  database = await postgres.createDatabase();
  server = await TestServer.start(["--database", database]);
  ann = await server.registered("+15551230271");
  ben = await server.registered("+15551230272");
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await postgres?.stop();
});

const bodies = async (person: Person, ...args: readonly string[]): Promise<string[]> =>
  (await person.json<{ body: string }>(...args)).map(({ body }) => body);

test("messages and groups go on while database and server are killed one after the other", async () => {
  await ann.ok("send", ben.phone, "one");
  expect(await bodies(ben, "receive")).toEqual(["one"]);
  await ann.ok("group", "create", "Chess", ben.phone);
  await postgres.end("SIGKILL");
  await postgres.launch();
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
  await ann.ok("send", ben.phone, "two");
  await ann.ok("send", "Chess", "three");
  await server.kill();
  await server.up();
  expect((await bodies(ben, "receive")).filter((body) => body !== undefined)).toEqual(
    expect.arrayContaining(["two", "three"]),
  );
  await ben.ok("send", ann.phone, "four");
  expect(await bodies(ann, "receive")).toContain("four");
  expect(existsSync(join(server.folder, "data", "sotto.db"))).toBe(false);
}, 120_000);

test("a server without its database says so, and never the password", async () => {
  const url = "postgres://sotto:hunter2hunter2@127.0.0.1:1/sotto";
  const away = await start(["serve", "--data", join(server.folder, "other"), "--port", "0"], {
    SOTTO_DATABASE: url,
  }).ended;
  expect(away.code).toBe(1);
  expect(away.stderr).toContain("the database cannot be used: ECONNREFUSED");
  const wrong = await start(["serve", "--data", join(server.folder, "other"), "--port", "0"], {
    SOTTO_DATABASE: `${url}?sslmode=maybe`,
  }).ended;
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("sslmode");
  expect(away.stdout + away.stderr + wrong.stdout + wrong.stderr).not.toContain("hunter2");
});

test("another server's keys, and a folder that holds a database of its own, are refused", async () => {
  const other = join(server.folder, "third");
  const keys = await start(["serve", "--data", other, "--port", "0", "--database", database], {}).ended;
  expect(keys.stderr).toContain("belongs to a server with other keys");
  const own = start(["serve", "--data", join(server.folder, "fourth"), "--port", "0"], {});
  await own.printed(/listening/);
  own.child.kill("SIGTERM");
  await own.ended;
  const before = readFileSync(join(server.folder, "fourth", "sotto.db"));
  const both = await start(
    ["serve", "--data", join(server.folder, "fourth"), "--port", "0", "--database", database],
    {},
  ).ended;
  expect(both.stderr).toContain("it holds a database, sotto.db");
  expect(readFileSync(join(server.folder, "fourth", "sotto.db")).equals(before)).toBe(true);
});
