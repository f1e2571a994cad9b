/**
 * An account that is deleted is there or gone, whole, whatever happens: the real `sotto serve` is killed with SIGKILL while many accounts are
 * deleted at once, and its database is looked at. What was answered with Done is gone; what was not may be asked for again.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { toBinary } from "@bufbuild/protobuf";
import { nodeProvider } from "@sotto/crypto/node";
import { SignedDeviceListSchema, deletionTranscript } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { Person, RawClient, learnServer } from "@sotto/testkit/attack";
import { afterAll, expect, test } from "vitest";
import { openSqliteStore } from "../packages/server/src/adapters/sqlite/store.ts";
import { KillableServer } from "./support/killable-server.ts";

const provider = nodeProvider();
const kills = 8;
const perRound = 6;
const keyPackages = 150;
const seed = Number(process.env["SOTTO_SEED"] ?? 20_261_128);
const random = new SeededRandom(seed);
const folder = mkdtempSync(join(tmpdir(), "sotto-deletions-"));
const server = new KillableServer(folder);
afterAll(async () => {
  await server.stop("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Puts accounts into the database of a server that does not run, with all that one can have. */
async function addPeople(count: number, numbered: number): Promise<Person[]> {
  const nowSec = Math.floor(Date.now() / 1000);
  const store = openSqliteStore({ path: server.databasePath, nowSec });
  const people: Person[] = [];
  for (let n = 0; n < count; n++) {
    const person = await Person.make(provider, `+1555${numbered + n}`, nowSec);
    const { account, device, inbox, deviceKey, lists } = person;
    const [first] = lists;
    if (first === undefined) throw new Error("no list");
    const listed = { device, signatureKey: deviceKey.publicKey, inbox, revoked: false };
    const signedList = toBinary(SignedDeviceListSchema, first);
    const change = { account, version: 1, signedList, devices: [listed], nowSec };
    const created = await store.createAccount(provider.randomBytes(32), change, undefined);
    if (created !== "created") throw new Error(created);
    const bytes = Array.from({ length: keyPackages }, () => provider.randomBytes(1_000));
    const put = { account, device, ciphersuite: 1, keyPackages: bytes, lastResort: bytes[0], replace: false };
    if ((await store.putKeyPackages(put)) !== "stored") throw new Error("no room");
    await store.putRecovery(account, provider.randomBytes(50_000));
    people.push(person);
  }
  await store.close();
  return people;
}

/** How many rows the database has of an account, table by table. */
function rowsOf(database: DatabaseSync, person: Person): Record<string, number> {
  const count = (sql: string, ...values: readonly (Uint8Array | number)[]): number =>
    Number(database.prepare(`SELECT count(*) AS n FROM ${sql}`).get(...values)?.["n"]);
  const num = Number(
    database.prepare("SELECT num FROM accounts WHERE account = ?").get(person.account)?.["num"] ?? -1,
  );
  const belonging = (table: string): number => count(`${table} WHERE account = ?`, num);
  return {
    accounts: count("accounts WHERE account = ?", person.account),
    lists: belonging("device_lists"),
    devices: count("devices WHERE device = ?", person.device),
    keyPackages: belonging("key_packages"),
    backups: belonging("backups"),
    inboxes: count("logs WHERE id = ?", person.inbox),
  };
}

const whole = { accounts: 1, lists: 1, devices: 1, keyPackages: keyPackages + 1, backups: 1, inboxes: 1 };
const nothing = { accounts: 0, lists: 0, devices: 0, keyPackages: 0, backups: 0, inboxes: 0 };

test("SIGKILL in the midst leaves all of an account or nothing", async () => {
  console.log(`account deletions: seed ${seed}, ${kills} kills`);
  await server.start();
  await server.stop("SIGTERM");
  const everybody: Person[] = [];
  const answered = new Set<Person>();
  let gone = 0;
  for (let round = 0; round < kills; round++) {
    const people = await addPeople(perRound, 1_000_000 + round * perRound);
    everybody.push(...people);
    const { url, fingerprint } = await server.start();
    const { publicKey } = await learnServer(provider, url);
    const clients = await Promise.all(
      people.map((person) => RawClient.signedIn(provider, { origin: url, fingerprint, publicKey }, person)),
    );
    for (const [index, client] of clients.entries()) {
      const person = people[index] as Person;
      const { account, identity } = person;
      const serverNonce = client.challenge?.serverNonce ?? new Uint8Array();
      const signed = deletionTranscript(client.clientNonce, serverNonce, fingerprint, account);
      const signature = await provider.ed25519Sign(identity.privateKey, signed);
      client.send({ case: "deleteAccount", value: { request: 1, signature } });
    }
    await new Promise((done) => void setTimeout(done, random.integer(40)));
    await server.stop("SIGKILL");
    for (const [index, client] of clients.entries()) {
      if (client.received.some(({ frame }) => frame.case === "done")) answered.add(people[index] as Person);
      client.socket.terminate();
    }
    const database = new DatabaseSync(server.databasePath);
    for (const person of everybody) {
      const rows = rowsOf(database, person);
      expect(answered.has(person) ? [nothing] : [whole, nothing]).toContainEqual(rows);
    }
    gone = everybody.filter((person) => rowsOf(database, person).accounts === 0).length;
    const orphans = database
      .prepare("SELECT count(*) AS n FROM key_packages WHERE account NOT IN (SELECT num FROM accounts)")
      .get();
    expect(orphans).toEqual({ n: 0 });
    database.close();
  }
  console.log(`account deletions: ${everybody.length} asked for, ${answered.size} answered, ${gone} gone`);
  expect(answered.size).toBeGreaterThan(0);
  expect(gone).toBeGreaterThanOrEqual(answered.size);
  expect(gone).toBeLessThan(everybody.length);
}, 120_000);
