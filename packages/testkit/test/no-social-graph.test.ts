/**
 * No social graph at rest: a real server is used for a while by real clients, one to one, in groups, from several devices; then its
 * database, write-ahead log and data folder are searched. Nothing in them ties two accounts to one conversation, or a Welcome to who sent
 * it. What counts, sizes and the order of rows still tell is written down in spec/THREAT-MODEL.md.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fromBinary } from "@bufbuild/protobuf";
import { linkDevice, open, type Messenger } from "@sotto/client/node";
import { nodeProvider } from "@sotto/crypto/node";
import { SignedDeviceListSchema, formatFingerprint, parseDeviceList } from "@sotto/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Phone, TestServer } from "../src/attack.ts";

const provider = nodeProvider();
const wide = { burst: 100_000, perHour: 100_000 };
const limits = {
  lookupsPerAccount: wide,
  lookupsPerAddress: wide,
  accountLookupsPerAccount: wide,
  deviceListsPerAccount: wide,
};

type Row = Record<string, unknown>;

/** What a thief of the folder has. */
interface Loot {
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  /** Every file as it lay there, the write-ahead log too. */
  readonly files: readonly Buffer[];
}

let server: TestServer;
let loot: Loot;
let classicLoot: Loot;
const phones: Phone[] = [];
const folders: string[] = [];
const linked: Messenger[] = [];

const has = async (messenger: Messenger, conversation: string, body: string): Promise<boolean> => {
  try {
    return (await messenger.history(conversation)).some((message) => message.body === body);
  } catch {
    return false;
  }
};

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_200; i++) {
    if (await holds()) return;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  throw new Error(`${what}: did not happen`);
}

/** Copies the data folder as it is now, and opens the copy. */
function steal(): Loot {
  const folder = mkdtempSync(join(tmpdir(), "sotto-loot-"));
  folders.push(folder);
  cpSync(server.dataFolder, folder, { recursive: true });
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  const files = paths.map((path) => readFileSync(path));
  const tables = new Map<string, readonly Row[]>();
  const path = paths.find((one) => /\.(?:sqlite|db|sqlite3)$/.test(one));
  if (path === undefined) throw new Error(`no database among ${paths.join(", ")}`);
  const database = new DatabaseSync(path);
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    tables.set(String(name), database.prepare(`SELECT * FROM "${String(name)}"`).all());
  }
  database.close();
  return { tables, files };
}

async function link(existing: Phone): Promise<Messenger> {
  const home = mkdtempSync(join(tmpdir(), "sotto-linked-"));
  folders.push(home);
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const passphrase = "correct horse battery staple";
  const joining = linkDevice({
    home,
    passphrase,
    server: server.facts.origin,
    serverKey: formatFingerprint(server.facts.fingerprint),
    deviceName: "tablet",
    platform: "a test",
    onCode: (shown) => resolve(shown.code),
  });
  await existing.messenger.approveLink(await code);
  await joining;
  const messenger = await open({ home, passphrase });
  linked.push(messenger);
  return messenger;
}

beforeAll(async () => {
  server = await TestServer.start(provider, { limits });
  for (let i = 0; i < 4; i++) {
    phones.push(await Phone.register(server, server.facts.origin, `+1555777000${i}`));
  }
  const [ann, bob, cleo, dan] = phones as [Phone, Phone, Phone, Phone];
  for (const phone of phones) await phone.online();
  // One to one, with receipts.
  await ann.messenger.send(bob.identifier, "between two");
  await until("Bob reads", () => has(bob.messenger, ann.identifier, "between two"));
  await bob.messenger.markRead(ann.identifier);
  await bob.messenger.send(ann.identifier, "and back");
  await until("Ann reads", () => has(ann.messenger, bob.identifier, "and back"));
  // A group, with changes.
  await ann.messenger.createGroup("Climbing", [bob.identifier, cleo.identifier]);
  await until("Cleo is in", async () => (await cleo.messenger.groups()).length === 1);
  await cleo.messenger.send("Climbing", "among three");
  await until("Ann reads", () => has(ann.messenger, "Climbing", "among three"));
  // A second device.
  const tablet = await link(ann);
  await until("the tablet is in", async () => (await tablet.groups()).length === 1);
  // Some are away, so that Welcomes and messages wait for them.
  await dan.messenger.close();
  await cleo.messenger.close();
  await ann.messenger.addToGroup("Climbing", [dan.identifier]);
  await ann.messenger.send("Climbing", "waits for Cleo and Dan");
  await ann.messenger.send(dan.identifier, "waits for Dan alone");
  await bob.messenger.send(dan.identifier, "from Bob, waits for Dan");
  await bob.messenger.createGroup("Caving", [dan.identifier, cleo.identifier]);
  await ann.messenger.flushed();
  await bob.messenger.flushed();
  await until("everything is sent", async () => {
    await new Promise((resolve) => void setTimeout(resolve, 1_500));
    return true;
  });
  loot = steal();
  await ann.messenger.send(cleo.identifier, "in the classic form", { suite: "classic" });
  await ann.messenger.flushed();
  classicLoot = steal();
}, 180_000);

afterAll(async () => {
  for (const messenger of [...linked, ...phones.map((phone) => phone.messenger)]) await messenger.close();
  await server.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const blob = (value: unknown): Buffer => Buffer.from(value as Uint8Array);
const rows = (table: string, from = loot): readonly Row[] => {
  const found = from.tables.get(table);
  if (found === undefined) throw new Error(`no table ${table}`);
  return found;
};

/** Everything that names an account or one of its devices, by the account's number. */
function namesOfAccounts(): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  const add = (account: unknown, ...bytes: readonly Uint8Array[]): void => {
    const list = found.get(Number(account)) ?? [];
    list.push(...bytes.filter(({ length }) => length >= 16).map((one) => Buffer.from(one)));
    found.set(Number(account), list);
  };
  for (const row of rows("accounts")) add(row.num, blob(row.account), blob(row.identifier_hash));
  for (const row of rows("devices"))
    add(row.account, blob(row.device), blob(row.signature_key), blob(row.inbox));
  for (const row of rows("device_lists")) {
    const { list, signature } = fromBinary(SignedDeviceListSchema, blob(row.signed_list));
    const { identityKey, devices } = parseDeviceList(list);
    add(row.account, identityKey, signature);
    for (const device of devices) {
      add(row.account, device.signatureKey, device.inboxKey, device.deviceId, device.inboxId);
      for (const { publicKey } of device.classicKeys) add(row.account, publicKey.subarray(-64));
    }
  }
  for (const row of rows("key_packages")) {
    const keyPackage = blob(row.key_package);
    // Its keys, from the middle: init and leaf keys are what a Welcome is sealed to.
    for (let at = 16; at + 32 <= keyPackage.length; at += 32)
      add(row.account, keyPackage.subarray(at, at + 32));
  }
  return found;
}

const inboxes = () => new Map(rows("logs").flatMap((row) => (row.is_inbox === 1 ? [[row.num, row]] : [])));
const entriesOf = (isInbox: boolean, from = loot) =>
  rows("entries", from).filter((row) => inboxes().has(row.log) === isInbox);

describe("the database of a server that was used", () => {
  test("holds what the test needs: conversations, Welcomes that wait, several devices", () => {
    expect(rows("accounts")).toHaveLength(4);
    expect(rows("devices").length).toBe(5);
    expect(new Set(entriesOf(false).map(({ log }) => log)).size).toBeGreaterThan(2);
    expect(new Set(entriesOf(true).map(({ log }) => log)).size).toBeGreaterThanOrEqual(2);
    expect(rows("slots").length).toBeGreaterThan(10);
    expect(rows("key_packages").length).toBeGreaterThan(50);
  });

  test("names no account, device, inbox, key or KeyPackage in a conversation log, its epochs or its slots", () => {
    const own = inboxes();
    const conversation = [
      ...rows("logs").filter(({ num }) => !own.has(num)),
      ...rows("epochs"),
      ...rows("slots").filter(({ log }) => !own.has(log)),
      ...entriesOf(false),
    ];
    const whole = Buffer.concat(
      conversation.flatMap((row) =>
        Object.values(row).flatMap((value) => (value instanceof Uint8Array ? [Buffer.from(value)] : [])),
      ),
    );
    for (const [account, known] of namesOfAccounts()) {
      const found = known.filter((name) => whole.indexOf(name) >= 0);
      expect(found, `account ${account}`).toEqual([]);
    }
  });

  test("names nobody in an inbox: a Welcome or request shows neither who sent it nor what it is for", () => {
    const known = [...namesOfAccounts().values()].flat();
    const logs = rows("logs").map((row) => blob(row.id));
    const slots = rows("slots")
      .map((row) => blob(row.slot))
      .filter(({ length }) => length >= 16);
    for (const row of entriesOf(true)) {
      const body = blob(row.body);
      expect([...known, ...logs, ...slots].filter((name) => body.includes(name))).toEqual([]);
    }
  });

  test("has no 16 bytes in common between two inboxes, two conversation logs, or an inbox and a log", () => {
    const width = 16;
    const seen = new Map<string, unknown>();
    const shared: string[] = [];
    for (const row of rows("entries")) {
      const body = blob(row.body).toString("latin1");
      for (let at = 0; at + width <= body.length; at++) {
        const piece = body.slice(at, at + width);
        const before = seen.get(piece);
        if (before !== undefined && before !== row.log)
          shared.push(
            `${String(before)} and ${String(row.log)} at ${at}: ${Buffer.from(piece, "latin1").toString("hex")}`,
          );
        seen.set(piece, row.log);
      }
    }
    expect(shared.slice(0, 5)).toEqual([]);
    expect(seen.size).toBeGreaterThan(10_000);
  });

  test("shares no slot, token or id between logs", () => {
    const slots = rows("slots")
      .map((row) => blob(row.slot))
      .filter(({ length }) => length > 0);
    expect(new Set(slots.map((slot) => slot.toString("hex"))).size).toBe(slots.length);
    const tokens = rows("epochs").map((row) => blob(row.token_hash).toString("hex"));
    expect(new Set(tokens).size).toBe(tokens.length);
    for (const device of rows("devices")) {
      expect(slots.some((slot) => slot.equals(blob(device.device)))).toBe(false);
    }
  });

  test("keeps no time finer than a day of what happened in a log", () => {
    const own = inboxes();
    const times = [
      ...rows("entries").map((row) => row.stored_at_sec),
      ...rows("slots").map((row) => row.used_at_sec),
      ...rows("logs").flatMap((row) => (own.has(row.num) ? [] : [row.made_at_sec])),
    ];
    // Slots of inboxes are made with their account, whose list tells that time anyway, until they are used.
    const fine = times.filter((time) => Number(time) % 86_400 !== 0);
    expect(fine.length).toBeLessThanOrEqual(rows("devices").length);
  });

  test("has no table or column that names two parties, and no identifier anywhere, nor any text", () => {
    for (const file of loot.files) {
      for (const { identifier } of phones) expect(file.includes(Buffer.from(identifier))).toBe(false);
      for (const text of ["between two", "Climbing", "Caving", "waits for Dan"]) {
        expect(file.includes(Buffer.from(text))).toBe(false);
      }
    }
    const columns = new Map([...loot.tables].map(([name, all]) => [name, Object.keys(all[0] ?? {})]));
    for (const table of ["logs", "epochs", "slots", "entries"]) {
      for (const column of columns.get(table) ?? []) expect(column).not.toMatch(/account|device|sender|from/);
    }
  });

  test("ties no two accounts by bytes that were deleted from a table and still lie in a file", () => {
    // An account's id may stand beside its own things only: nowhere within a page of a conversation log's id.
    const own = inboxes();
    const logs = rows("logs").flatMap((row) => (own.has(row.num) ? [] : [blob(row.id)]));
    const accounts = rows("accounts").map((row) => blob(row.account));
    const near = 200;
    for (const file of loot.files) {
      for (const log of logs) {
        for (let at = file.indexOf(log); at >= 0; at = file.indexOf(log, at + 1)) {
          const around = file.subarray(Math.max(0, at - near), at + near);
          expect(accounts.some((account) => around.includes(account))).toBe(false);
        }
      }
    }
  });

  test("classic messages do name both, by their given form, while they wait, and nothing else does", () => {
    const before = new Set(rows("entries").map((row) => row.num));
    const added = rows("entries", classicLoot).filter((row) => !before.has(row.num));
    const classic = added.filter((row) => blob(row.body).includes("sender_id"));
    expect(classic.length).toBeGreaterThan(0);
    expect(entriesOf(true).some((row) => blob(row.body).includes("sender_id"))).toBe(false);
  });
});
