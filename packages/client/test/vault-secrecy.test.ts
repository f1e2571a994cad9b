/**
 * What somebody finds who copies the folder of a used client, while it runs and after: none of its texts, names, ids or keys, in
 * no usual encoding. The search is tried on planted values first.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openVault } from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { sqliteStorage } from "../src/adapters/node/sqlite-storage.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { open } from "../src/node.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";
import { freshFolder } from "./support/folders.ts";

const ANN = "+15551230001";
const BEN = "ben.with.a.long.name@example.org";
const bodies = ["The attack begins at dawn", "Ünïcödé — 你好 🌍 and more", "q".repeat(40)];
const nextPassphrase = "another passphrase entirely";

/** A value that must not be found, with a name to report it by. */
interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every form in which a value could lie in a file. */
function encodings(bytes: Buffer): readonly (readonly [string, Buffer])[] {
  const hex = bytes.toString("hex");
  const forms: (readonly [string, Buffer])[] = [
    ["raw", bytes],
    ["hex", Buffer.from(hex)],
    ["HEX", Buffer.from(hex.toUpperCase())],
    ["UTF-16LE", Buffer.from(bytes.toString("latin1"), "utf16le")],
    ["UTF-16BE", Buffer.from(bytes.toString("latin1"), "utf16le").swap16()],
    ["UTF-16LE of its text", Buffer.from(bytes.toString("utf8"), "utf16le")],
    ["JSON escapes", Buffer.from(JSON.stringify(bytes.toString("utf8")).slice(1, -1))],
    ["hex in UTF-16LE", Buffer.from(hex, "utf16le")],
  ];
  for (const alignment of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(alignment), bytes]).toString("base64");
    // Only the characters that depend on nothing but the value itself.
    const from = [0, 2, 3][alignment] as number;
    const whole = Math.floor(((bytes.length + alignment) * 8) / 6);
    const core = padded.slice(from, whole);
    forms.push([`base64 at ${alignment}`, Buffer.from(core)]);
    forms.push([`base64url at ${alignment}`, Buffer.from(core.replaceAll("+", "-").replaceAll("/", "_"))]);
  }
  return forms;
}

/** Where any needle lies in any file of a folder. */
function search(folder: string, needles: readonly Needle[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    for (const needle of needles) {
      for (const [form, bytes] of encodings(needle.bytes)) {
        if (content.includes(bytes)) found.push(`${needle.name} as ${form} in ${name}`);
      }
    }
  }
  return found;
}

/** Copies a folder by another process: reading the lock file in this one would drop its lock. */
function copyOf(folder: string): string {
  const copy = freshFolder();
  execFileSync("cp", ["-r", `${folder}/.`, copy]);
  return copy;
}

const text = (name: string, value: string): Needle => ({ name, bytes: Buffer.from(value) });
const hex = (name: string, value: string): Needle => ({ name, bytes: Buffer.from(value, "hex") });
const part = (name: string, value: Uint8Array, at = 0): Needle => ({
  name,
  bytes: Buffer.from(value.subarray(at, at + 32)),
});

let server: TestServer;
let whileOpen: string;
let afterwards: string;
let needles: Needle[];

beforeAll(async () => {
  server = await testServer();
  const home = await server.register(ANN);
  const ann = await open({ home, passphrase: PASSPHRASE });
  const ben = await server.join(BEN);
  const envelopes: string[] = [];
  for (const body of bodies) {
    await ann.whenSent((await ann.send(BEN, body, { suite: "classic" })).id);
    await ben.whenSent((await ben.send(ANN, `re: ${body}`)).id);
  }
  await ann.send("+15551239999", `${bodies[0]} to nobody`);
  await ann.rotateClassicKey();
  await ann.sendTyping(BEN);
  await ann.changePassphrase(PASSPHRASE, nextPassphrase);
  await ann.setVerified(BEN, true);
  await ann.send(BEN, "signed with the new key", { suite: "classic" });
  await ann.flushed();
  await vi.waitUntil(async () => (await ann.history(BEN)).length >= 7);
  await ann.markRead(BEN);
  await vi.waitUntil(async () => (await ann.history(BEN)).every(({ status }) => status !== "sent"));
  const history = await ann.history(BEN);
  const { fingerprint, address } = server.running;
  whileOpen = copyOf(home);
  for (const message of history) envelopes.push(...(message.envelopes ?? []));
  await ann.close();
  afterwards = copyOf(home);

  const crypto = nodeProvider();
  const vault = await openVault(
    crypto,
    new Uint8Array(readFileSync(join(home, "vault.key"))),
    nextPassphrase,
  );
  const store = vaultStore(vault, sqliteStorage(join(home, "store.sqlite")));
  const own = await store.get(names.own);
  if (own === undefined) throw new Error("no account");
  await store.close();

  needles = [
    ...bodies.map((body) => text("a text", body)),
    text("the own identifier", ANN.slice(1)),
    text("a contact's identifier", BEN),
    text("the first passphrase", PASSPHRASE),
    text("the second passphrase", nextPassphrase),
    text("the server's address", new URL(address).host),
    text("the server's fingerprint as text", fingerprint),
    { name: "the server's fingerprint", bytes: Buffer.from(fingerprint, "base64url") },
    part("the server's key", own.serverPublicKey, 100),
    hex("the account id", own.account),
    text("the account id as text", own.account),
    hex("the device id", own.device),
    hex("the inbox id", own.inbox),
    hex("a contact's account id", ben.self.accountId),
    text("a contact's account id as text", ben.self.accountId),
    hex("a contact's device id", ben.self.deviceId),
    part("the identity key", own.identityKey.privateKey),
    part("the identity's public key", own.identityKey.publicKey),
    part("the device key", own.deviceKey.privateKey),
    part("the inbox key", own.inboxKey.privateKey),
    part("the inbox's public key", own.inboxKey.publicKey),
    ...own.classicKeys.flatMap((key) => [
      part("an RSA private key", key.privateKey, 300),
      part("an RSA private key's prime", key.privateKey, 700),
      part("an RSA public key", key.publicKey, 100),
    ]),
    ...history.map((message) => hex("a message id", message.id)),
    ...envelopes.map((envelope) => {
      const signature = Buffer.from((JSON.parse(envelope) as { signature: string }).signature, "base64");
      return { name: "a signature", bytes: signature.subarray(0, 32) };
    }),
    text("a member's name", "encrypted_aes_key"),
    text("a record's name", "directory/"),
    text("a field's name", "identityKey"),
  ];
});
afterAll(async () => {
  await server.stop();
});

test("there is something to look for", () => {
  expect(needles.length).toBeGreaterThan(40);
  expect(needles.filter((needle) => needle.bytes.length < 8)).toEqual([]);
});

describe("the search finds what is planted", () => {
  test("in every form, at every place of a byte", () => {
    const missed: string[] = [];
    for (const needle of needles) {
      for (const [form, bytes] of encodings(needle.bytes)) {
        const copy = copyOf(afterwards);
        const padding = Buffer.alloc(needles.indexOf(needle) % 7, 0x55);
        appendFileSync(join(copy, "store.sqlite"), Buffer.concat([padding, bytes, padding]));
        if (!search(copy, [needle]).some((place) => place.endsWith("in store.sqlite")))
          missed.push(`${needle.name} ${form}`);
        execFileSync("rm", ["-r", copy]);
        if (needles.indexOf(needle) > 3) break;
      }
    }
    expect(missed).toEqual([]);
  });

  test("inside a longer text that is in base64", () => {
    for (const before of ["", "a", "ab", "abc"]) {
      const copy = copyOf(afterwards);
      appendFileSync(join(copy, "x"), Buffer.from(`${before}${bodies[0]} and so on`).toString("base64"));
      expect(search(copy, needles.slice(0, 1))).not.toEqual([]);
    }
  });
});

test("the copy of the running client has its write-ahead log", () => {
  expect(readdirSync(whileOpen)).toContain("store.sqlite-wal");
});

test("while the client runs, none of its secrets lies in any file, the write-ahead log among them", () => {
  expect(search(whileOpen, needles)).toEqual([]);
});

test("after it was closed, neither", () => {
  expect(search(afterwards, needles)).toEqual([]);
});
