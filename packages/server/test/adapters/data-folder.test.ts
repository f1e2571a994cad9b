/** First start, later starts, and every folder that must be refused and left as it is. */
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { StorageError, logId, toHex } from "@sotto/protocol";
import { findDatabaseDamage } from "../../src/adapters/database-check.ts";
import {
  DATA_FILES,
  markMoved,
  openDataFolder,
  readDataFolder,
  type DataFolder,
} from "../../src/adapters/data-folder.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { snapshot, temporaryFolder } from "../support/temporary.ts";

/** Starts and stops as a server does. */
async function useFolder(
  path: string,
): Promise<{ fingerprint: string; isNew: boolean; warnings: readonly string[] }> {
  const folder = await openDataFolder(path);
  const store = openSqliteStore({ path: folder.databasePath, nowSec: 1 });
  folder.markReady();
  await store.close();
  folder.release();
  const { isNew, warnings } = folder;
  return { fingerprint: Buffer.from(folder.key.fingerprint).toString("hex"), isNew, warnings };
}

async function refusal(path: string): Promise<string> {
  try {
    await useFolder(path);
  } catch (error) {
    if (error instanceof StorageError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** A folder that was used once. */
async function usedFolder(): Promise<string> {
  const path = join(temporaryFolder(), "data");
  await useFolder(path);
  return path;
}

describe("first start", () => {
  test("makes a private folder with everything in it, and the next start reuses it", async () => {
    const path = join(temporaryFolder(), "deep", "data");
    const first = await useFolder(path);
    expect(first.isNew).toBe(true);
    expect(readdirSync(path).sort()).toEqual(Object.values(DATA_FILES).sort());
    expect(mode(path)).toBe("700");
    expect(mode(join(path, DATA_FILES.privateKey))).toBe("600");
    expect(mode(join(path, DATA_FILES.directoryKey))).toBe("600");
    expect(mode(join(path, DATA_FILES.vapidKey))).toBe("600");
    expect(readFileSync(join(path, DATA_FILES.privateKey), "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(readFileSync(join(path, DATA_FILES.publicKey), "utf8")).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    const keys = readFileSync(join(path, DATA_FILES.directoryKey), "utf8");
    expect(await useFolder(path)).toEqual({ ...first, isNew: false });
    expect(readFileSync(join(path, DATA_FILES.directoryKey), "utf8")).toBe(keys);
  });

  test("takes an empty folder that exists, and makes it private", async () => {
    const path = temporaryFolder();
    chmodSync(path, 0o755);
    expect((await useFolder(path)).isNew).toBe(true);
    expect(mode(path)).toBe("700");
  });

  const order = [
    "lock",
    "marker",
    "privateKey",
    "publicKey",
    "directoryKey",
    "vapidKey",
    "database",
  ] as const;
  test.each(order.map((_, made) => made))("cut off after %i files, the next finishes it", async (made) => {
    const used = await usedFolder();
    const path = temporaryFolder();
    for (const file of order.slice(0, made + 1))
      copyFileSync(join(used, DATA_FILES[file]), join(path, DATA_FILES[file]));
    if (made >= 1) {
      const marker = readFileSync(join(path, DATA_FILES.marker), "utf8").replace("ready", "new");
      writeFileSync(join(path, DATA_FILES.marker), marker);
    }
    // A crash between writing and renaming leaves a temporary file, whole or not.
    writeFileSync(join(path, `${DATA_FILES.privateKey}.sotto-tmp`), "-----BEGIN PRIV");
    const kept = made >= 2 ? readFileSync(join(path, DATA_FILES.privateKey), "utf8") : undefined;
    const result = await useFolder(path);
    expect(result.isNew).toBe(true);
    expect(readdirSync(path).sort()).toEqual(Object.values(DATA_FILES).sort());
    expect(kept ?? "").toBe(
      kept === undefined ? "" : readFileSync(join(path, DATA_FILES.privateKey), "utf8"),
    );
    expect(await useFolder(path)).toEqual({ ...result, isNew: false });
  });
});

const at = (path: string, file: keyof typeof DATA_FILES): string => join(path, DATA_FILES[file]);
const pem = (bits: number, type: "private" | "public"): string => {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return type === "private" ? pair.privateKey : pair.publicKey;
};

/** Overwrites the second page. */
function scratch(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 4_096, 8_192);
  writeFileSync(file, bytes);
}

/** A folder as SIGKILL leaves it: with a journal that nobody moved into the database. */
async function killedFolder(): Promise<string> {
  const used = await usedFolder();
  const path = temporaryFolder();
  const store = openSqliteStore({ path: at(used, "database"), nowSec: 1 });
  const tokenHash = new Uint8Array(32);
  await store.commit([
    { type: "create-log", log: logId(new Uint8Array(16)), epoch: 0, tokenHash, nowSec: 1 },
  ]);
  for (const name of readdirSync(used)) copyFileSync(join(used, name), join(path, name));
  await store.close();
  return path;
}

describe("a damaged folder is refused and left as it is", () => {
  const cases: [string, (path: string) => void, string][] = [
    ["no private key", (path) => rmSync(at(path, "privateKey")), "server_private_key.pem is missing"],
    ["no public key", (path) => rmSync(at(path, "publicKey")), "server_public_key.pem is missing"],
    ["no directory key", (path) => rmSync(at(path, "directoryKey")), "directory.key is missing"],
    ["no key for push services", (path) => rmSync(at(path, "vapidKey")), "push_private_key.pem is missing"],
    [
      "another kind of key for push services",
      (path) => copyFileSync(at(path, "privateKey"), at(path, "vapidKey")),
      "push_private_key.pem is not a P-256 key in PEM",
    ],
    ["an open key for push services", (path) => chmodSync(at(path, "vapidKey"), 0o604), "chmod 600"],
    ["no database", (path) => rmSync(at(path, "database")), "sotto.db is missing"],
    [
      "half a private key",
      (path) => truncateSync(at(path, "privateKey"), 800),
      "server_private_key.pem is not",
    ],
    ["an empty public key", (path) => truncateSync(at(path, "publicKey")), "server_public_key.pem is not"],
    [
      "a small private key",
      (path) => writeFileSync(at(path, "privateKey"), pem(1024, "private")),
      "private_key.pem is not",
    ],
    [
      "another public key",
      (path) => writeFileSync(at(path, "publicKey"), pem(2048, "public")),
      "does not belong",
    ],
    [
      "half a directory key",
      (path) => truncateSync(at(path, "directoryKey"), 30),
      "directory.key is not 32 bytes",
    ],
    ["an open private key", (path) => chmodSync(at(path, "privateKey"), 0o640), "chmod 600"],
    ["an open directory key", (path) => chmodSync(at(path, "directoryKey"), 0o604), "chmod 600"],
    ["an empty database", (path) => truncateSync(at(path, "database")), "sotto.db is not an SQLite"],
    ["half a database", (path) => truncateSync(at(path, "database"), 9_000), "sotto.db is cut short"],
    [
      "a text for a database",
      (path) => writeFileSync(at(path, "database"), "x".repeat(5_000)),
      "sotto.db is not an SQLite",
    ],
    ["a database with a broken page", (path) => scratch(at(path, "database")), "sotto.db is corrupt"],
    [
      "a marker that is no JSON",
      (path) => truncateSync(at(path, "marker"), 20),
      "sotto-data.json cannot be read",
    ],
  ];

  test.each(cases)("%s", async (_, damage, message) => {
    const path = await usedFolder();
    damage(path);
    const before = snapshot(path);
    const answer = await refusal(path);
    expect(answer).toMatch(/^data_folder_damaged: /);
    expect(answer).toContain(message);
    expect(snapshot(path)).toEqual(before);
  });

  test("a database that a killed server left is read together with its journal", async () => {
    const path = await killedFolder();
    const before = snapshot(path);
    expect(Object.keys(before)).toContain("sotto.db-wal");
    expect(findDatabaseDamage(at(path, "database"))).toBe(undefined);
    expect(snapshot(path)).toEqual(before);
    // A page that the journal does not replace.
    const bytes = readFileSync(at(path, "database"));
    bytes.fill(0x5a, bytes.length - 4_096);
    writeFileSync(at(path, "database"), bytes);
    const damaged = snapshot(path);
    expect(await refusal(path)).toMatch(/^data_folder_damaged: .*is corrupt/);
    expect(snapshot(path)).toEqual(damaged);
  });

  test("refusing leaves no lock file where there was none", async () => {
    const path = await usedFolder();
    rmSync(at(path, "lock"));
    rmSync(at(path, "directoryKey"));
    expect(await refusal(path)).toMatch(/^data_folder_damaged/);
    expect(existsSync(at(path, "lock"))).toBe(false);
  });
});

describe("somebody else's folder is refused and left as it is", () => {
  const cases: [string, (path: string) => void, string][] = [
    ["with files of others", (path) => writeFileSync(join(path, "thesis.txt"), "words"), "it holds files"],
    ["with a database only", (path) => writeFileSync(join(path, "sotto.db"), "words"), "it holds files"],
    ["with folders", (path) => mkdirSync(join(path, "photos")), "it holds files"],
    [
      "with another marker",
      (path) => writeFileSync(join(path, "sotto-data.json"), '{"format":"x"}'),
      "is not a Sotto server's",
    ],
    [
      "of a newer version",
      (path) =>
        writeFileSync(
          join(path, "sotto-data.json"),
          '{"format":"sotto-server-data","version":2,"state":"ready"}',
        ),
      "newer version",
    ],
  ];
  test.each(cases)("%s", async (_, fill, message) => {
    const path = temporaryFolder();
    fill(path);
    const before = snapshot(path);
    const answer = await refusal(path);
    expect(answer).toMatch(/^data_folder_foreign: /);
    expect(answer).toContain(message);
    expect(snapshot(path)).toEqual(before);
  });

  test("a place that cannot be made is named", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "words");
    await expect(openDataFolder(join(file, "data"))).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("data: "),
    });
  });

  test("a file where a folder should be", async () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "words");
    expect(await refusal(path)).toMatch(/^data_folder_foreign: .*not a folder/);
    expect(readFileSync(path, "utf8")).toBe("words");
  });
});

describe("lock", () => {
  test("one server at a time; the next may once the first is gone", async () => {
    const path = await usedFolder();
    const held = await openDataFolder(path);
    expect(await refusal(path)).toMatch(/^data_folder_locked: another server is using/);
    held.release();
    expect(await refusal(path)).toBe("accepted");
  });

  test("two first starts at once: one wins", async () => {
    const path = join(temporaryFolder(), "data");
    const results = await Promise.all([refusal(path), refusal(path)]);
    expect(results.map((result) => result.split(":")[0]).sort()).toEqual(["accepted", "data_folder_locked"]);
  });

  test("nodes of one database use a folder together, from their first start on; a server with its own waits", async () => {
    const path = join(temporaryFolder(), "data");
    const startNode = async (): Promise<DataFolder> => {
      const folder = await openDataFolder(path, false);
      folder.markReady();
      return folder;
    };
    const nodes = await Promise.all([startNode(), startNode(), startNode()]);
    expect(nodes.map(({ isNew }) => isNew).sort()).toEqual([false, false, true]);
    expect(new Set(nodes.map(({ key }) => toHex(key.fingerprint))).size).toBe(1);
    const [first, ...others] = nodes;
    first?.release();
    expect(await refusal(path)).toMatch(/^data_folder_locked/);
    for (const node of others) node.release();

    const database = await usedFolder();
    const server = await openDataFolder(database);
    rmSync(join(database, DATA_FILES.database));
    await expect(openDataFolder(database, false)).rejects.toMatchObject({ code: "data_folder_locked" });
    server.release();
  });

  test("a node whose first start was cut off leaves it to the next", async () => {
    const path = join(temporaryFolder(), "data");
    (await openDataFolder(path, false)).release();
    const next = await openDataFolder(path, false);
    expect(next.isNew).toBe(true);
    next.markReady();
    next.release();
  });
});

test("an open folder is worth a warning, not a refusal", async () => {
  const path = await usedFolder();
  chmodSync(path, 0o750);
  expect((await useFolder(path)).warnings).toEqual([expect.stringContaining(`chmod 700 ${path}`)]);
});

test("a start that was under way when the data moved does not take that back", async () => {
  const path = await usedFolder();
  const held = await openDataFolder(path);
  markMoved(path, "elsewhere");
  held.markReady();
  held.release();
  expect((await readDataFolder(path)).movedTo).toBe("elsewhere");
});

test("readDataFolder reads keys while a server runs, and makes nothing", async () => {
  const path = await usedFolder();
  const held = await openDataFolder(path);
  const read = await readDataFolder(path);
  expect(read.key.fingerprint).toEqual(held.key.fingerprint);
  held.release();
  const nowhere = join(temporaryFolder(), "nothing");
  await expect(readDataFolder(nowhere)).rejects.toMatchObject({ code: "data_folder_foreign" });
  expect(existsSync(nowhere)).toBe(false);
});
