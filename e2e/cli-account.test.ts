/** The end of an account at the terminal: asked for with care, done on the server and here, told to the other devices. */
import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseLines, TestServer, type Person } from "./support/sotto.ts";

const annPhone = "+15551230171";
let server: TestServer;
let ann: Person;
let ben: Person;
let tablet: Person;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered(annPhone);
  ben = await server.registered("+15551230172");
}, 60_000);
afterAll(() => server?.stop());

const error = (stderr: string): unknown => parseLines(stderr).find(({ type }) => type === "error")?.["code"];

test("a script must name the account, and another name deletes nothing", async () => {
  const without = await ann.run("account", "delete", "--json");
  expect([without.code, error(without.stderr)]).toEqual([2, "usage"]);
  const other = await ann.run("account", "delete", "--confirm", ben.phone, "--json");
  expect([other.code, error(other.stderr)]).toEqual([2, "usage"]);
  expect(await ann.json("devices")).toHaveLength(1);
});

test("a person types passphrase and number; a wrong number deletes nothing", async () => {
  const screen = ann.terminal(["account", "delete"], { columns: 160, env: { SOTTO_PASSPHRASE: "" } });
  await screen.waitFor("Passphrase:");
  screen.type(`${ann.passphrase}\r`);
  await screen.waitFor("This cannot be taken back.");
  await screen.waitFor("Type its number or address to delete it:");
  screen.type("yes\r");
  await screen.waitFor("nothing was deleted");
  expect(await screen.exited).toBe(2);
  expect(await ann.json("devices")).toHaveLength(1);
});

test("it goes, here and on the server; others find nobody, and its other device says so", async () => {
  tablet = ann.at("tablet");
  const linking = tablet.start(
    "devices",
    "link",
    "--name",
    "tablet",
    "--server-key",
    server.fingerprint,
    "--json",
  );
  const code = (await linking.printed(/"code":"([0-9A-Z-]+)"/))[1] ?? "";
  await ann.ok("devices", "approve", code, "--confirm");
  expect((await linking.ended).code).toBe(0);
  await ann.ok("send", ben.phone, "hello");
  await ben.json("receive");
  await ann.ok("group", "create", "Chess", ben.phone);
  await ben.json("receive");
  const onTablet = async (): Promise<string> => {
    await ann.ok("receive");
    await tablet.ok("receive");
    return (await tablet.run("history", ben.phone, "--json")).stdout;
  };
  await expect.poll(onTablet, { timeout: 60_000 }).toContain("hello");

  const screen = ann.terminal(["account", "delete"], { columns: 160 });
  await screen.waitFor("Type its number or address to delete it:");
  screen.type(`${annPhone}\r`);
  await screen.waitFor(`${annPhone} is deleted`);
  expect(await screen.exited).toBe(0);
  expect(existsSync(ann.home) ? readdirSync(ann.home) : []).toEqual([]);
  const gone = await ann.run("devices", "--json");
  expect(error(gone.stderr)).toBe("vault_missing");

  const sent = await ben.run("send", annPhone, "are you there?", "--json");
  expect(error(sent.stderr)).toBe("identifier_not_found");
  const known = await ben.json<{ body: string }>("history", annPhone);
  expect(known.map(({ body }) => body)).toContain("hello");

  const away = await tablet.run("receive", "--json");
  expect(error(away.stderr)).toBe("account_deleted");
  const kept = await tablet.json<{ body: string }>("history", ben.phone, "--offline");
  expect(kept.map(({ body }) => body)).toContain("hello");
}, 120_000);

test("the other device removes what it has, and the number registers anew", async () => {
  expect(await tablet.json("account", "delete", "--confirm", annPhone)).toEqual([
    { type: "account_deleted", identifier: annPhone },
  ]);
  expect(existsSync(tablet.home) ? readdirSync(tablet.home) : []).toEqual([]);
  const anew = ann.at("new");
  await new Promise((resolve) => void setTimeout(resolve, 1_100));
  await anew.register();
  const sent = await ben.run("send", annPhone, "is it you?", "--json");
  expect(error(sent.stderr)).toBe("identity_changed");
}, 60_000);
