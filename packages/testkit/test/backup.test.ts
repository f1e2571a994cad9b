/**
 * Backup files with whole clients and a real server: what is written comes back on a new device, which is one of the account's, writes to
 * people and is let into groups again; and what is wrong about a file, or about the account since, is refused and changes nothing.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  inspectBackup,
  open,
  requestCode,
  restore,
  type FileSink,
  type FileSource,
  type Messenger,
  type RestoreOptions,
} from "@sotto/client/node";
import { nodeProvider } from "@sotto/crypto/node";
import { formatFingerprint } from "@sotto/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Phone, TestServer } from "../src/attack.ts";
import { until } from "./support/until.ts";

const provider = nodeProvider();
const passphrase = "correct horse battery staple";
const ofBackup = "seven quiet badgers";
const folders: string[] = [];
let server: TestServer;

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "sotto-backup-"));
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

const sourceOf = (bytes: Buffer): FileSource => ({
  size: bytes.length,
  read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
});

async function written(messenger: Messenger): Promise<{ readonly bytes: Buffer; readonly messages: number }> {
  const pieces: Uint8Array[] = [];
  let closed = false;
  const sink: FileSink = {
    write: async (bytes) => void pieces.push(bytes.slice()),
    close: async () => {
      closed = true;
    },
    abort: async () => {
      throw new Error("aborted");
    },
  };
  const { messages } = await messenger.backup(ofBackup, sink);
  expect(closed).toBe(true);
  return { bytes: Buffer.concat(pieces), messages };
}

async function codeFor(identifier: string): Promise<string> {
  await requestCode({
    server: server.facts.origin,
    serverKey: formatFingerprint(server.facts.fingerprint),
    identifier,
    forExisting: true,
  });
  return server.code(identifier);
}

/** What restoring in a fresh folder takes. */
const options = (
  bytes: Buffer,
  identifier: string,
  changes: Partial<RestoreOptions> = {},
): RestoreOptions => ({
  home: folder(),
  file: sourceOf(bytes),
  backupPassphrase: ofBackup,
  code: () => codeFor(identifier),
  passphrase,
  deviceName: "restored",
  ...changes,
});

const bodies = async (messenger: Messenger, conversation: string): Promise<readonly string[]> =>
  (await messenger.history(conversation)).map(({ body }) => body);

describe("a backup", () => {
  test("comes back on a new device, beside the others: people, history, groups", async () => {
    const [ann, ben] = [
      await Phone.register(server, server.facts.origin, "+15558100001"),
      await Phone.register(server, server.facts.origin, "+15558100002"),
    ];
    await ann.messenger.updateProfile({ name: "Ann" });
    const { id } = await ann.messenger.send(ben.identifier, "first");
    await ben.receives("first");
    await ben.messenger.react(ann.identifier, id, "👍");
    await ben.messenger.send(ann.identifier, "second", { replyTo: id });
    await ann.receives("second");
    await ann.messenger.createGroup("Rowing", [ben.identifier]);
    await ann.messenger.send("Rowing", "in the group");
    await ben.receives("in the group");
    await ben.messenger.send("Rowing", "so am I");
    await ann.receives("so am I");
    await ann.messenger.setVerified(ben.identifier, true);
    await ann.messenger.setNickname(ben.identifier, "Benny");
    await ann.messenger.updateConversation("Rowing", { pinned: true });
    const { bytes, messages } = await written(ann.messenger);
    expect(messages).toBe(4);
    for (const secret of ["first", "Rowing", "Benny", ben.identifier, ann.identifier]) {
      expect(bytes.includes(Buffer.from(secret))).toBe(false);
    }
    const info = await inspectBackup({ file: sourceOf(bytes), passphrase: ofBackup });
    expect(info).toMatchObject({ identifier: ann.identifier, messages: 4 });

    const about = options(bytes, ann.identifier);
    const self = await restore(about);
    expect(self.accountId).toBe(ann.messenger.self.accountId);
    // At once, and without anybody's help.
    const offline = await open({ home: about.home, passphrase, connect: false });
    expect(await bodies(offline, ben.identifier)).toEqual(["first", "second"]);
    expect(await bodies(offline, "Rowing")).toEqual(["in the group", "so am I"]);
    const [first, second] = await offline.history(ben.identifier);
    expect(first?.reactions).toMatchObject([{ emoji: "👍", from: ben.identifier }]);
    expect(second?.replyTo).toMatchObject({ id, body: "first" });
    expect(await offline.contact(ben.identifier).catch(() => undefined)).toMatchObject({
      verified: true,
      nickname: "Benny",
    });
    expect(await offline.profile()).toEqual({ name: "Ann" });
    const summary = await offline.conversation("Rowing");
    expect(summary).toMatchObject({ pinned: true, group: { state: "healing", members: 2 } });
    await offline.close();

    const restored = await open({ home: about.home, passphrase });
    expect((await restored.devices()).filter(({ revoked }) => !revoked)).toHaveLength(2);
    await until("the group let it in", async () => (await restored.groups())[0]?.state === "joined");
    await restored.send("Rowing", "back again");
    await ben.receives("back again");
    await until("its sister has it", async () =>
      (await bodies(ann.messenger, "Rowing")).includes("back again"),
    );
    await restored.send(ben.identifier, "and to you");
    await ben.receives("and to you");
    await ben.messenger.send(ann.identifier, "welcome back");
    await until("it hears", async () => (await bodies(restored, ben.identifier)).includes("welcome back"));
    expect(ben.notices.filter(({ type }) => type === "identity_changed")).toEqual([]);
    await restored.close();
    await ann.close();
    await ben.close();
  }, 180_000);

  test("with the others lost, they are taken off; it can be backed up again", async () => {
    const ann = await Phone.register(server, server.facts.origin, "+15558200001");
    const ben = await Phone.register(server, server.facts.origin, "+15558200002");
    await ann.messenger.send(ben.identifier, "before");
    await ben.receives("before");
    const { bytes } = await written(ann.messenger);
    await ann.messenger.send(ben.identifier, "after the backup");
    await ben.receives("after the backup");
    await ann.close();
    const about = options(bytes, ann.identifier, { othersLost: true });
    await restore(about);
    const restored = await open({ home: about.home, passphrase });
    expect((await restored.devices()).map(({ revoked }) => revoked)).toEqual([true, false]);
    expect(await bodies(restored, ben.identifier)).toEqual(["before"]);
    await restored.send(ben.identifier, "here I am");
    await ben.receives("here I am");
    const again = await written(restored);
    expect(again.messages).toBe(2);
    await restored.close();
    await ben.close();
  }, 120_000);

  test("that is not as it was written, or not opened, leaves nothing behind and asks nobody", async () => {
    const ann = await Phone.register(server, server.facts.origin, "+15558300001");
    const { bytes } = await written(ann.messenger);
    let asked = 0;
    const askedFor = async (): Promise<string> => {
      asked += 1;
      return "000000";
    };
    const refused = async (file: Buffer, changes: Partial<RestoreOptions> = {}): Promise<unknown> => {
      const home = join(folder(), "home");
      const outcome = await restore(options(file, ann.identifier, { home, code: askedFor, ...changes })).then(
        () => "restored",
        (cause: unknown) => (cause as { code?: string }).code,
      );
      expect(existsSync(home)).toBe(false);
      return outcome;
    };
    expect(await refused(bytes, { backupPassphrase: "wrong" })).toBe("passphrase_wrong");
    for (const at of [0, 9, 60, 121, 122, 500, bytes.length - 17, bytes.length - 1]) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(await refused(altered)).toBe("backup_damaged");
    }
    for (const length of [0, 50, 122, 200, bytes.length - 1]) {
      expect(await refused(bytes.subarray(0, length))).toBe("backup_damaged");
    }
    expect(await refused(Buffer.concat([bytes, Buffer.of(0)]))).toBe("backup_damaged");
    expect(asked).toBe(0);
    expect(await refused(bytes)).toBe("code_refused");
    expect((await ann.messenger.devices()).length).toBe(1);
    await ann.close();
  }, 120_000);

  test("older than the account's identity key, or of an account that is gone, does not come back", async () => {
    const ann = await Phone.register(server, server.facts.origin, "+15558400001");
    const { bytes } = await written(ann.messenger);
    await ann.messenger.rotateIdentity();
    await expect(restore(options(bytes, ann.identifier))).rejects.toMatchObject({ code: "backup_outdated" });
    const newer = await written(ann.messenger);
    await ann.messenger.deleteAccount(passphrase);
    await expect(restore(options(newer.bytes, ann.identifier))).rejects.toMatchObject({
      code: "account_unknown",
    });
    const anew = await Phone.register(server, server.facts.origin, "+15558400001");
    await expect(restore(options(newer.bytes, ann.identifier))).rejects.toMatchObject({
      code: "backup_outdated",
    });
    await anew.close();
  }, 120_000);
});
