/** What a copy of the vault, with its key, still opens: no message that was read before. And nothing of what was replaced stays on the disk. */
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createMlsEngine, type Vault } from "@sotto/crypto";
import { nodeMlsProvider } from "@sotto/crypto/node";
import { EntryKind, GroupEntrySchema, LIMITS, decode } from "@sotto/protocol";
import { SimulatedWorld, type VaultCopy } from "@sotto/testkit/simulation";
import { expect, test } from "vitest";
import { memoryStorage } from "../src/adapters/memory-storage.ts";
import { sqliteStorage } from "../src/adapters/node/sqlite-storage.ts";
import { groupNames } from "../src/core/groups/records.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { freshFolder } from "./support/folders.ts";

const key = (i: number): Uint8Array => Uint8Array.of(1, i);

/** Opens a ciphertext with what a copy of a vault holds. */
async function openWith(world: SimulatedWorld, vault: Vault, copy: VaultCopy, id: string, body: Uint8Array) {
  const store = vaultStore(vault, memoryStorage(new Map(copy)));
  const mls = createMlsEngine(nodeMlsProvider(world.crypto));
  const own = await store.get(names.own);
  const base = await store.get(groupNames.state(id));
  if (own === undefined || base === undefined) throw new Error("the copy holds no state");
  const secrets = await store.page(groupNames.secrets(id));
  const group = await mls.restore(
    { base, secrets: secrets.map(({ order, value }) => ({ id: order, bytes: value })) },
    own.deviceKey,
  );
  const { entry } = decode(GroupEntrySchema, body, LIMITS.maxCommitBytes);
  if (entry.case !== "mlsMessage") throw new Error("no message");
  return mls.unprotect(group, entry.value);
}

test("a copy taken after a message was read does not open it again; one taken before does", async () => {
  const world = await SimulatedWorld.make(1);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const bodies: { log: string; body: Uint8Array }[] = [];
  world.server.watch = (stored) => {
    world.witness.stored(stored);
    const isMessage = stored.type === "entry" && stored.kind === EntryKind.MESSAGE;
    if (isMessage && world.witness.logs.has(stored.log)) bodies.push(stored);
  };
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.send(ben.identifier, "settle in");
  await world.settle(120);

  ben.kill();
  const before = ben.copy();
  bodies.length = 0;
  await ann.up.send(ben.identifier, "read once");
  await world.settle();
  const [sent] = bodies;
  if (sent === undefined) throw new Error("nothing was sent");
  await ben.start();
  await world.settle();
  expect(ben.received.map(({ body }) => body)).toEqual(["settle in", "read once"]);
  const after = ben.copy();

  expect(await openWith(world, ben.vault, before, sent.log, sent.body)).toMatchObject({
    type: "application",
  });
  await expect(openWith(world, ben.vault, after, sent.log, sent.body)).rejects.toMatchObject({
    code: expect.stringMatching(/^(message_replayed|decryption_failed)$/) as string,
  });
  // Nor does the sender's own vault.
  await expect(openWith(world, ann.vault, ann.copy(), sent.log, sent.body)).rejects.toMatchObject({
    code: expect.any(String) as string,
  });
});

test("what was replaced or deleted is in no file of the vault a little later, the write-ahead log among them", async () => {
  const folder = freshFolder();
  const storage = sqliteStorage(join(folder, "store.sqlite"));
  const values = Array.from({ length: 40 }, () => new Uint8Array(randomBytes(900)));
  await storage.apply({ puts: values.map((value, i) => ({ key: key(i), value })), deletes: [] });
  const replaced = values
    .slice(0, 20)
    .map((_, i) => ({ key: key(i), value: new Uint8Array(randomBytes(900)) }));
  await storage.apply({ puts: replaced, deletes: values.slice(20).map((_, i) => key(i + 20)) });
  const found = (): number => {
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    return values.filter((value) =>
      files.some((file) => file.includes(Buffer.from(value.subarray(100, 132)))),
    ).length;
  };
  expect(readdirSync(folder)).toContain("store.sqlite-wal");
  expect(found()).toBeGreaterThan(0);
  await expect.poll(found, { timeout: 10_000 }).toBe(0);
  expect((await storage.get(key(3)))?.length).toBe(900);
  await storage.close();
  expect(found()).toBe(0);
});
