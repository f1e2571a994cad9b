/** A data folder with some of everything that a server keeps, made through its own ports. */
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EntryKind, deviceId, logId, slotId, type AccountId, type LogId } from "@sotto/protocol";
import { openDataFolder } from "../../src/adapters/data-folder.ts";
import { folderBlobs } from "../../src/adapters/folder-blobs.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { verifyFirstList, verifyNextList } from "../../src/core/device-lists.ts";
import type { Store, StoreOperation } from "../../src/core/store.ts";
import { newAccount, nextList, type TestAccount } from "./account.ts";
import { temporaryFolder } from "./temporary.ts";

export const nowSec = 1_764_000_000;
const daySec = 86_400;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const hash = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest());

async function* bytes(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

let template: Promise<string> | undefined;

/** A data folder of the running test's own, a copy of one that is made once. @returns its path. */
export async function filledFolder(): Promise<string> {
  const parent = await (template ??= makeTemplate());
  const path = join(temporaryFolder(), "data");
  cpSync(join(parent, "data"), path, { recursive: true });
  return path;
}

/** Removes what they were copied from. */
export async function removeTemplate(): Promise<void> {
  if (template !== undefined) rmSync(await template, { recursive: true, force: true });
}

async function makeTemplate(): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), "sotto-filled-"));
  const path = join(parent, "data");
  const folder = await openDataFolder(path);
  const store = openSqliteStore({ path: folder.databasePath, nowSec });
  try {
    folder.markReady();
    await fill(store);
    const files = folderBlobs(folder.blobsPath, () => nowSec * 1000);
    for (const [size, received] of [
      [300_000, 300_000],
      [5, 5],
      [100, 40],
    ] as const) {
      const id = random(32);
      const blob = { id, writeHash: random(32), size, received, storedAtSec: nowSec };
      await store.createBlob(blob, 10_000_000);
      await files.write(id, 0, bytes(random(received)));
      if (size === received) await files.finish(id);
    }
  } finally {
    await store.close();
    folder.release();
  }
  return parent;
}

/** Fills any store; of entries the younger come first in some logs. */
async function fill(store: Store): Promise<void> {
  const accounts: TestAccount[] = [];
  for (let index = 0; index < 5; index++) accounts.push(await addAccount(store, index));
  const [ann, ben, cat, dan] = accounts as [TestAccount, TestAccount, TestAccount, TestAccount];
  const [first] = await store.readDeviceLists(accountOf(ann), 1, 1);
  await store.putDeviceList(verifyNextList(first!, nextList(ann).signed, nodeCrypto, nowSec));
  await store.putRecovery(accountOf(ann), random(500));
  await store.putReset(accountOf(ben), nowSec - 1);
  const fresh = newAccount(nowSec);
  await store.replaceAccount(
    hash(Uint8Array.of(1)),
    accountOf(ben),
    verifyFirstList(fresh.signed, nodeCrypto, nowSec),
    nowSec,
  );
  await store.putReset(accountOf(cat), nowSec + 100);
  await store.putPush(accountOf(cat), deviceId(cat.list.devices[0]!.deviceId), {
    endpoint: "https://push.example.org/ünïcode",
    p256dh: random(65),
    auth: random(16),
  });
  await store.deleteAccount(accountOf(dan), 1, random(80));
  const conversation = logId(random(16));
  const token = random(32);
  const next = random(32);
  const append = (
    log: LogId,
    epoch: number,
    body: Uint8Array,
    more: Partial<Extract<StoreOperation, { type: "append" }>> = {},
    at = nowSec,
  ): StoreOperation => ({
    type: "append",
    log,
    epoch,
    kind: EntryKind.MESSAGE,
    tokenHash: undefined,
    nextTokenHash: undefined,
    body,
    nowSec: at,
    ...more,
  });
  const slot = slotId(random(16));
  await store.commit([
    { type: "create-log", log: conversation, epoch: 3, tokenHash: token, nowSec },
    append(conversation, 3, random(10), { tokenHash: token }, nowSec + 3 * daySec),
    append(conversation, 3, random(100_000), {
      tokenHash: token,
      nextTokenHash: next,
      kind: EntryKind.COMMIT,
    }),
    { type: "open-slot", log: conversation, epoch: 4, tokenHash: next, slot, afterSeq: 0, nowSec },
    append(conversation, 4, random(0), { tokenHash: next }),
    { type: "create-log", log: logId(random(16)), epoch: 0, tokenHash: token, nowSec },
  ]);
  const inbox = logId(ann.list.devices[0]!.inboxId);
  await store.commit([
    ...Array.from({ length: 700 }, (_, index) =>
      append(inbox, 0, random(1 + (index % 2_000)), {}, nowSec + index * 100),
    ),
    { type: "ack", log: inbox, slot: undefined, seq: 20, nowSec },
  ]);
}

const accountOf = ({ list }: TestAccount): AccountId => list.accountId as AccountId;

async function addAccount(store: Store, index: number): Promise<TestAccount> {
  const account = newAccount(nowSec);
  const change = verifyFirstList(account.signed, nodeCrypto, nowSec);
  await store.createAccount(hash(Uint8Array.of(index)), change, undefined);
  await store.putKeyPackages({
    account: accountOf(account),
    device: deviceId(account.list.devices[0]!.deviceId),
    ciphersuite: 1,
    keyPackages: [random(300), random(310)],
    lastResort: random(320),
    replace: false,
  });
  return account;
}
