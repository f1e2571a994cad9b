/** Backup and restore at the terminal, with real processes: written, asked for, refused, and back on a new device. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseLines, start, TestServer, type Person, type Result } from "./support/sotto.ts";

const annPhone = "+15551230181";
const ofBackup = "seven quiet badgers";
let server: TestServer;
let ann: Person;
let ben: Person;
let file: string;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered(annPhone);
  ben = await server.registered("+15551230182");
  file = join(server.folder, "ann.backup");
}, 60_000);
afterAll(() => server?.stop());

const error = ({ stderr }: Result): unknown =>
  parseLines(stderr).find(({ type }) => type === "error")?.["code"];
const run = (person: Person, args: readonly string[], passphrase = ofBackup): Promise<Result> =>
  start(args, { ...person.env, SOTTO_BACKUP_PASSPHRASE: passphrase }).ended;
/** Waits until the server sends another code. */
const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1_100));

test("backup writes one file that only its owner may read, and says what is in it", async () => {
  await ann.ok("send", ben.phone, "kept for good");
  await ben.ok("receive");
  const written = await run(ann, ["backup", file, "--json"]);
  expect(written.code).toBe(0);
  expect(parseLines(written.stdout)).toEqual([{ type: "backed_up", file, messages: 1 }]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file).includes("kept for good")).toBe(false);
  expect(readdirSync(server.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  const nowhere = await run(ann, ["backup", join(server.folder, "missing", "x"), "--json"]);
  expect([nowhere.code, error(nowhere)]).toEqual([1, "storage_failed"]);
});

test("what is wrong is said, and no folder is left", async () => {
  const laptop = ann.at("refused");
  const wrong = await run(laptop, ["restore", file, "--code", "123456", "--json"], "wrong");
  expect([wrong.code, error(wrong)]).toEqual([1, "passphrase_wrong"]);
  const bytes = readFileSync(file);
  bytes[200] = (bytes[200] ?? 0) ^ 1;
  const altered = join(server.folder, "altered.backup");
  writeFileSync(altered, bytes);
  const refused = await run(laptop, ["restore", altered, "--code", "123456", "--json"]);
  expect([refused.code, error(refused)]).toEqual([1, "backup_damaged"]);
  const used = await run(ann, ["restore", file, "--code", "123456", "--json"]);
  expect([used.code, error(used)]).toEqual([1, "vault_exists"]);
  expect(existsSync(laptop.home)).toBe(false);
});

test("restore in two calls makes a device with the history, beside the one that was there", async () => {
  const laptop = ann.at("laptop");
  await pause();
  const asked = await run(laptop, ["restore", file, "--request-only", "--json"]);
  expect(asked.code).toBe(0);
  expect(parseLines(asked.stdout)[0]).toMatchObject({ type: "code_requested", identifier: annPhone });
  const code = server.code(annPhone) ?? "";
  const restored = await run(laptop, ["restore", file, "--code", code, "--name", "laptop", "--json"]);
  expect(restored.code).toBe(0);
  expect(parseLines(restored.stdout)[0]).toMatchObject({ type: "restored" });
  const history = await laptop.json<{ body: string }>("history", ben.phone);
  expect(history.map(({ body }) => body)).toEqual(["kept for good"]);
  const devices = await laptop.json<{ name: string; revoked: boolean }>("devices");
  expect(devices.map(({ revoked }) => revoked)).toEqual([false, false]);
  await laptop.ok("send", ben.phone, "from the laptop");
  const received = await ben.json<{ body: string }>("receive");
  expect(received.map(({ body }) => body)).toContain("from the laptop");
}, 60_000);

test("a person is asked for all of it, and sees whose backup it is; the lost device is out", async () => {
  const desk = ann.at("desk");
  await pause();
  const screen = desk.terminal(["restore", file, "--others-lost"], {
    columns: 160,
    env: { SOTTO_PASSPHRASE: "" },
  });
  await screen.waitFor("The backup's passphrase:");
  screen.type(`${ofBackup}\r`);
  await screen.waitFor(`A backup of ${annPhone} at ${server.url}`);
  await screen.waitFor("New passphrase");
  screen.type(`${desk.passphrase}\r`);
  await screen.waitFor("The same again:");
  const before = server.code(annPhone);
  screen.type(`${desk.passphrase}\r`);
  await screen.waitFor(`The six digits that the server sent to ${annPhone}:`);
  await screen.waitUntil(() => server.code(annPhone) !== before);
  screen.type(`${server.code(annPhone) ?? ""}\r`);
  await screen.waitFor(`${annPhone} is back`);
  expect(await screen.exited).toBe(0);
  expect(screen.raw).not.toContain(ofBackup);
  const out = await ann.run("receive", "--json");
  expect(error(out)).toBe("sign_in_refused");
}, 60_000);
