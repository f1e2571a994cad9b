/**
 * Deleting an account, with whole clients and a real server: what the server's folder holds afterwards, what the account's other devices
 * say, what contacts and groups meet, and that the number can begin anew.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { linkDevice, open, register, type Messenger, type Notice } from "@sotto/client/node";
import { nodeProvider } from "@sotto/crypto/node";
import { SignedDeviceListSchema, decode, formatFingerprint, parseDeviceList, parseId } from "@sotto/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Phone, TestServer } from "../src/attack.ts";
import { until } from "./support/until.ts";

const provider = nodeProvider();
const passphrase = "correct horse battery staple";
const folders: string[] = [];
let server: TestServer;

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "sotto-deletion-"));
  folders.push(made);
  return made;
};

beforeAll(async () => {
  server = await TestServer.start(provider);
}, 60_000);
afterAll(async () => {
  await server.close();
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

async function link(existing: Messenger): Promise<{ messenger: Messenger; home: string; notices: Notice[] }> {
  const home = folder();
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const joining = linkDevice({
    home,
    passphrase,
    server: server.facts.origin,
    serverKey: formatFingerprint(server.facts.fingerprint),
    deviceName: "tablet",
    platform: "a test",
    onCode: (shown) => resolve(shown.code),
  });
  await existing.approveLink(await code);
  await joining;
  const messenger = await open({ home, passphrase });
  const notices: Notice[] = [];
  messenger.subscribe((event) => event.type === "notice" && notices.push(event.notice));
  return { messenger, home, notices };
}

/** Everything that names an account in the server's tables. */
function namesOf(account: string): Buffer[] {
  const database = new DatabaseSync(join(server.dataFolder, "sotto.db"), { readOnly: true });
  try {
    const row = database
      .prepare("SELECT * FROM accounts WHERE account = ?")
      .get(parseId(account) as Uint8Array);
    if (row === undefined) throw new Error("no such account");
    const found = [
      Buffer.from(row["account"] as Uint8Array),
      Buffer.from(row["identifier_hash"] as Uint8Array),
    ];
    const num = Number(row["num"]);
    const all = (table: string) => database.prepare(`SELECT * FROM ${table} WHERE account = ?`).all(num);
    for (const device of all("devices")) {
      for (const column of ["device", "signature_key", "inbox"]) {
        found.push(Buffer.from(device[column] as Uint8Array));
      }
    }
    for (const { signed_list: bytes } of all("device_lists")) {
      const { list, signature } = decode(SignedDeviceListSchema, bytes as Uint8Array);
      const { identityKey, devices } = parseDeviceList(list);
      found.push(Buffer.from(identityKey), Buffer.from(signature));
      for (const { inboxKey, classicKeys } of devices) {
        found.push(Buffer.from(inboxKey));
        for (const { publicKey } of classicKeys) found.push(Buffer.from(publicKey).subarray(-128));
      }
    }
    for (const { key_package: bytes } of all("key_packages")) {
      found.push(Buffer.from(bytes as Uint8Array).subarray(-64));
    }
    for (const { backup } of all("backups")) found.push(Buffer.from(backup as Uint8Array).subarray(0, 64));
    return found;
  } finally {
    database.close();
  }
}

/** The whole database, table by table, and how many files there are. */
function dump(): { tables: Map<string, Buffer>; files: number } {
  const copy = folder();
  cpSync(server.dataFolder, copy, { recursive: true });
  const files = readdirSync(copy, { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  ).length;
  const database = new DatabaseSync(join(copy, "sotto.db"));
  const tables = new Map<string, Buffer>();
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    const rows = database.prepare(`SELECT * FROM "${String(name)}"`).all();
    const cells = rows.flatMap((row) => Object.values(row));
    const bytes = cells.flatMap((cell) => (cell instanceof Uint8Array ? [Buffer.from(cell)] : []));
    tables.set(String(name), Buffer.concat(bytes));
  }
  database.close();
  return { tables, files };
}

describe("an account that its owner deletes", () => {
  test("leaves nothing that names it in the server's database, nor its vault on the device", async () => {
    const [ann, ben] = [
      await Phone.register(server, server.facts.origin, "+15557100001"),
      await Phone.register(server, server.facts.origin, "+15557100002"),
    ];
    await ann.messenger.send(ben.identifier, "hello");
    await ben.receives("hello");
    await ben.messenger.createGroup("Rowing", [ann.identifier]);
    await until("Ann is in", async () => (await ann.messenger.groups()).length === 1);
    await ann.messenger.send("Rowing", "with a file", {
      attachments: [
        {
          source: { size: 5_000, read: async (offset, length) => new Uint8Array(length).fill(offset % 251) },
          name: "notes.bin",
        },
      ],
    });
    await ben.receives("with a file");
    await ann.messenger.rotateIdentity();
    const { accountId } = ann.messenger.self;
    const known = namesOf(accountId);
    expect(known.length).toBeGreaterThan(60);
    const before = dump();
    expect(known.every((name) => [...before.tables.values()].some((table) => table.includes(name)))).toBe(
      true,
    );

    const { home } = ann as unknown as { home: string };
    await expect(ann.messenger.deleteAccount("wrong")).rejects.toMatchObject({ code: "passphrase_wrong" });
    await ann.messenger.deleteAccount(passphrase);
    const after = dump();
    for (const [table, bytes] of after.tables) {
      expect({ table, found: known.filter((name) => bytes.includes(name)) }).toEqual({ table, found: [] });
    }
    // The file that she sent is gone as well.
    expect(after.files).toBeLessThan(before.files);
    expect(existsSync(join(home, "vault.key"))).toBe(false);
    expect(existsSync(join(home, "store.sqlite"))).toBe(false);
    await expect(open({ home, passphrase })).rejects.toMatchObject({ code: "vault_missing" });

    // The group sees her out.
    await until("Ann is out", async () =>
      (await ben.messenger.groupMembers("Rowing")).every(({ accountId: one }) => one !== accountId),
    );
    await ben.messenger.send("Rowing", "alone");
    await ben.messenger.flushed();
    await ben.close();
  }, 120_000);

  test("is told to its other devices, the one that is there and the one that was away, which keep what they have", async () => {
    const ann = await Phone.register(server, server.facts.origin, "+15557200001");
    const tablet = await link(ann.messenger);
    await until("the tablet is in", async () => (await tablet.messenger.doctor()).connection === "online");
    const laptop = await link(ann.messenger);
    await laptop.messenger.close();
    await ann.messenger.deleteAccount(passphrase);

    await until(
      "the tablet knows",
      async () => (await tablet.messenger.doctor()).problem === "account_deleted",
    );
    expect(tablet.messenger.connection).toBe("offline");
    expect(tablet.notices.map(({ type }) => type)).toContain("account_deleted");
    expect((await tablet.messenger.devices()).length).toBe(3);

    const back = await open({ home: laptop.home, passphrase });
    const told: Notice[] = [];
    back.subscribe((event) => event.type === "notice" && told.push(event.notice));
    await until("the laptop knows", async () => (await back.doctor()).problem === "account_deleted");
    await until("it is told", () => told.some(({ type }) => type === "account_deleted"));
    // Asked once more, it removes what is here.
    await back.deleteAccount(passphrase);
    await expect(open({ home: laptop.home, passphrase })).rejects.toMatchObject({ code: "vault_missing" });
    await tablet.messenger.close();
    const again = await open({ home: tablet.home, passphrase, connect: false });
    expect((await again.devices()).length).toBe(3);
    await again.close();
  }, 120_000);

  test("is to contacts who write like a number that was never registered, and may begin anew as somebody else", async () => {
    const [ann, ben] = [
      await Phone.register(server, server.facts.origin, "+15557300001"),
      await Phone.register(server, server.facts.origin, "+15557300002"),
    ];
    await ann.messenger.send(ben.identifier, "hello");
    await ben.receives("hello");
    await ben.messenger.send(ann.identifier, "hello Ann");
    await ann.receives("hello Ann");
    const before = ann.messenger.self.accountId;
    await ann.messenger.deleteAccount(passphrase);

    // The server tells Ben's connection at once; what he sends before he hears it goes to nobody.
    await new Promise((resolve) => void setTimeout(resolve, 1_000));
    const { id } = await ben.messenger.send(ann.identifier, "are you there?");
    await expect(ben.messenger.whenSent(id)).rejects.toMatchObject({ code: "identifier_not_found" });
    const never = await ben.messenger.send("+15557309999", "are you?");
    await expect(ben.messenger.whenSent(never.id)).rejects.toMatchObject({ code: "identifier_not_found" });
    expect((await ben.messenger.history(ann.identifier)).map(({ body }) => body)).toContain("hello");

    const anew = await Phone.register(server, server.facts.origin, "+15557300001");
    expect(anew.messenger.self.accountId).not.toBe(before);
    const later = await ben.messenger.send(ann.identifier, "is it you?");
    await expect(ben.messenger.whenSent(later.id)).rejects.toMatchObject({ code: "identity_changed" });
    await until("Ben is told", () => ben.notices.some(({ type }) => type === "identity_changed"));
    await ben.messenger.acknowledgeIdentity(ann.identifier);
    await anew.receives("is it you?");
    await anew.close();
    await ben.close();
  }, 120_000);

  test("is there still when there is no connection, and says so", async () => {
    const home = folder();
    await register({
      home,
      server: server.facts.origin,
      serverKey: formatFingerprint(server.facts.fingerprint),
      identifier: "+15557400001",
      passphrase,
      code: async () => server.code("+15557400001"),
    });
    const offline = await open({ home, passphrase, connect: false });
    await expect(offline.deleteAccount(passphrase)).rejects.toMatchObject({ code: "server_unreachable" });
    expect(offline.self.identifier).toBe("+15557400001");
    await offline.close();
    const online = await open({ home, passphrase });
    await online.deleteAccount(passphrase);
  }, 60_000);
});
