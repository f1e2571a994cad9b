/** The vault on disk: permissions, one process at a time, passphrases, foreign and damaged folders, and crashes while it is made. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
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
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVaultFolder, prepareVaultFolder } from "../src/adapters/node/vault-folder.ts";
import { open, register } from "../src/node.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";
import { freshFolder } from "./support/folders.ts";

let server: TestServer;
let home: string;
beforeAll(async () => {
  server = await testServer();
  home = await server.register("+15551230001");
});
afterAll(async () => {
  await server.stop();
});

/** Names and bytes of a folder's files but the lock, whose descriptor must not be touched while it is held. */
const contents = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => !name.startsWith("lock"))
      .map((name) => [name, readFileSync(join(folder, name)).toString("base64")]),
  );
const copyOfHome = (): string => {
  const copy = join(freshFolder(), "home");
  cpSync(home, copy, { recursive: true });
  return copy;
};

test("the folder is for its owner only", () => {
  expect(statSync(home).mode & 0o777).toBe(0o700);
  expect(statSync(join(home, "vault.key")).mode & 0o777).toBe(0o600);
});

test("a folder that others could read is closed to them when it is opened", async () => {
  const copy = copyOfHome();
  chmodSync(copy, 0o755);
  await (await open({ home: copy, passphrase: PASSPHRASE, connect: false })).close();
  expect(statSync(copy).mode & 0o777).toBe(0o700);
});

test("a wrong passphrase is told, and changes nothing", async () => {
  const before = contents(home);
  await expect(open({ home, passphrase: "wrong", connect: false })).rejects.toMatchObject({
    code: "passphrase_wrong",
  });
  expect(contents(home)).toEqual(before);
  const messenger = await open({ home, passphrase: PASSPHRASE, connect: false });
  await expect(messenger.changePassphrase("wrong", "next")).rejects.toMatchObject({
    code: "passphrase_wrong",
  });
  await expect(messenger.changePassphrase(PASSPHRASE, "")).rejects.toMatchObject({ code: "usage" });
  await messenger.close();
  expect(contents(home)["vault.key"]).toBe(before["vault.key"]);
});

test("changing the passphrase wraps the key anew: the old one no longer opens, nothing else changes", async () => {
  const copy = copyOfHome();
  const messenger = await open({ home: copy, passphrase: PASSPHRASE, connect: false });
  await messenger.send("+15551230002", "kept");
  await messenger.changePassphrase(PASSPHRASE, "a new one");
  await messenger.close();
  await expect(open({ home: copy, passphrase: PASSPHRASE, connect: false })).rejects.toMatchObject({
    code: "passphrase_wrong",
  });
  const again = await open({ home: copy, passphrase: "a new one", connect: false });
  expect((await again.history("+15551230002")).map((message) => message.body)).toEqual(["kept"]);
  await again.close();
});

test("within a process, too, a vault is used once at a time", async () => {
  const messenger = await open({ home, passphrase: PASSPHRASE, connect: false });
  await expect(open({ home, passphrase: PASSPHRASE, connect: false })).rejects.toMatchObject({
    code: "vault_locked",
  });
  await messenger.close();
  await (await open({ home, passphrase: PASSPHRASE, connect: false })).close();
});

async function holdInChild(folder: string): Promise<ChildProcess> {
  const module = fileURLToPath(new URL("../src/node.ts", import.meta.url));
  const program = `import { open } from ${JSON.stringify(module)};
    await open({ home: process.argv[1], passphrase: process.argv[2], connect: false });
    console.log("open"); setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program, folder, PASSPHRASE],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

test("another process is told that the vault is in use; a killed holder leaves no lock behind", async () => {
  const child = await holdInChild(home);
  await expect(open({ home, passphrase: PASSPHRASE, connect: false })).rejects.toMatchObject({
    code: "vault_locked",
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await open({ home, passphrase: PASSPHRASE, connect: false })).close();
});

describe("folders that are no whole vault are refused and left as they were", () => {
  const cases: readonly (readonly [string, string, (folder: string) => void])[] = [
    ["absent", "vault_missing", (folder) => rmSync(folder, { recursive: true })],
    ["empty", "vault_missing", (folder) => readdirSync(folder).forEach((name) => rmSync(join(folder, name)))],
    [
      "with a file of somebody else",
      "vault_foreign",
      (folder) => writeFileSync(join(folder, "diary.txt"), "dear"),
    ],
    ["without its database", "vault_damaged", (folder) => rmSync(join(folder, "store.sqlite"))],
    ["with a cut header", "vault_damaged", (folder) => truncateSync(join(folder, "vault.key"), 50)],
    ["with an altered header", "vault_damaged", (folder) => corrupt(join(folder, "vault.key"), 60)],
    ["with a cut database", "vault_damaged", (folder) => truncateSync(join(folder, "store.sqlite"), 5_000)],
    [
      "with a database that is none",
      "vault_damaged",
      (folder) => writeFileSync(join(folder, "store.sqlite"), "x".repeat(9_000)),
    ],
  ];
  test.each(cases)("%s: %s", async (_, code, harm) => {
    const copy = copyOfHome();
    harm(copy);
    const before = existsSync(copy) ? contents(copy) : undefined;
    await expect(open({ home: copy, passphrase: PASSPHRASE, connect: false })).rejects.toMatchObject({
      code,
    });
    expect(existsSync(copy) ? contents(copy) : undefined).toEqual(before);
  });
});

function corrupt(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test("a file in place of the folder, or a record moved to another key, is noticed", async () => {
  const path = join(freshFolder(), "file");
  writeFileSync(path, "x");
  await expect(open({ home: path, passphrase: PASSPHRASE })).rejects.toMatchObject({ code: "vault_foreign" });
  await expect(
    register({
      home: path,
      identifier: "+15551230009",
      passphrase: "x",
      server: server.running.invite,
      code: "1",
    }),
  ).rejects.toMatchObject({ code: "vault_foreign" });
});

test("registering never overwrites an account, nor a folder of somebody else", async () => {
  const options = {
    identifier: "+15551230008",
    passphrase: PASSPHRASE,
    server: server.running.invite,
    code: "000000",
  };
  await expect(register({ ...options, home })).rejects.toMatchObject({ code: "vault_exists" });
  await expect(register({ ...options, home, passphrase: "wrong" })).rejects.toMatchObject({
    code: "passphrase_wrong",
  });
  const foreign = freshFolder();
  writeFileSync(join(foreign, "diary.txt"), "dear");
  await expect(register({ ...options, home: foreign })).rejects.toMatchObject({ code: "vault_foreign" });
  expect(readdirSync(foreign)).toEqual(["diary.txt"]);
});

test("the header is replaced whole: a draft that a crash left behind is ignored and overwritten", async () => {
  const copy = copyOfHome();
  writeFileSync(join(copy, "vault.key.new"), "half a head");
  const messenger = await open({ home: copy, passphrase: PASSPHRASE, connect: false });
  await messenger.changePassphrase(PASSPHRASE, PASSPHRASE);
  await messenger.close();
  expect(existsSync(join(copy, "vault.key.new"))).toBe(false);
});

test("a vault that was begun and not finished can be made again; one without its header is damaged", async () => {
  const begun = join(freshFolder(), "home");
  const folder = prepareVaultFolder(begun);
  await folder.openStorage().close();
  expect(() => openVaultFolder(begun)).toThrow(expect.objectContaining({ code: "vault_missing" }));
  await server.register("+15551230007", { home: begun });
  await (await open({ home: begun, passphrase: PASSPHRASE, connect: false })).close();
  rmSync(join(begun, "vault.key"));
  expect(() => openVaultFolder(begun)).toThrow(expect.objectContaining({ code: "vault_damaged" }));
  await expect(server.register("+15551230006", { home: begun })).rejects.toMatchObject({
    code: "vault_damaged",
  });
});

test("a folder that cannot be made or locked is a storage failure, not a crash", async () => {
  const path = join(freshFolder(), "file");
  writeFileSync(path, "x");
  expect(() => prepareVaultFolder(join(path, "below"))).toThrow(
    expect.objectContaining({ code: "storage_failed" }),
  );
  const folder = freshFolder();
  mkdirSync(join(folder, "lock.sqlite"));
  expect(() => prepareVaultFolder(folder)).toThrow(expect.objectContaining({ code: "storage_failed" }));
});
