/** Several devices of one account, between real clients over a real server: linking, history, revoking, recovering. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { linkDevice, open, recover, register, reset, type Messenger } from "../src/node.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";

// Many clients share the cores with other tests.
vi.setConfig({ testTimeout: 120_000 });

let server: TestServer;
const opened: Messenger[] = [];
beforeAll(async () => {
  server = await testServer({ resendAfterSec: 0, resetDelaySec: 3 });
});
afterAll(async () => {
  for (const messenger of opened) await messenger.close();
  await server.stop();
});

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 4_000; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`it did not come to be: ${what}`);
}

let folders = 0;
const freshHome = (): string => join(server.folder, `linked-${folders++}`);

/** Links a new device of somebody's account, and opens it. */
async function link(existing: Messenger, name: string): Promise<Messenger> {
  const home = freshHome();
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const linked = linkDevice({
    home,
    passphrase: PASSPHRASE,
    server: server.running.invite,
    deviceName: name,
    platform: "a test",
    onCode: (shown) => resolve(shown.code),
  });
  const asked = await existing.linkRequest((await code).toLowerCase());
  expect(asked).toMatchObject({ name, platform: "a test", code: await code });
  expect(asked.address).not.toBe("");
  await existing.approveLink(await code);
  const self = await linked;
  expect(self.accountId).toBe(existing.self.accountId);
  const messenger = await open({ home, passphrase: PASSPHRASE });
  opened.push(messenger);
  return messenger;
}

const bodies = async (messenger: Messenger, conversation: string): Promise<readonly string[]> => {
  try {
    return (await messenger.history(conversation)).map(({ body }) => body);
  } catch {
    return [];
  }
};
const has = async (messenger: Messenger, conversation: string, body: string) =>
  (await bodies(messenger, conversation)).includes(body);

describe("a second device", () => {
  test("gets contacts, groups and history, and is equal from then on", async () => {
    const ann = await server.join("ann@example.org");
    const ben = await server.join("ben@example.org");
    await ann.send("ben@example.org", "before", { suite: "classic" });
    await ann.send("ben@example.org", "first");
    await until(() => has(ben, "ann@example.org", "first"), "ben has the first");
    await ben.send("ann@example.org", "answer");
    await until(() => has(ann, "ben@example.org", "answer"), "ann has the answer");
    await ann.setVerified("ben@example.org", true);
    await ann.createGroup("Choir", ["ben@example.org"]);
    await ben.send("Choir", "la").catch(() => undefined);
    await until(async () => (await ben.groups()).length === 1, "ben is in the group");
    await ben.send("Choir", "la");
    await until(() => has(ann, "Choir", "la"), "ann has la");

    const parts: number[] = [];
    const phone = await link(ann, "Ann's phone");
    phone.subscribe((event) => event.type === "history" && parts.push(event.part));
    await until(() => has(phone, "ben@example.org", "before"), "the phone has the history");
    expect(await bodies(phone, "ben@example.org")).toEqual(["before", "first", "answer"]);
    await until(() => has(phone, "Choir", "la"), "the phone has the group's history");
    const contact = (await phone.contacts()).find(({ identifier }) => identifier === "ben@example.org");
    expect(contact?.verified).toBe(true);
    expect((await phone.devices()).map(({ name, current }) => [name, current])).toEqual([
      ["", false],
      ["Ann's phone", true],
    ]);

    await ben.send("ann@example.org", "to both");
    await until(() => has(ann, "ben@example.org", "to both"), "the first device reads");
    await until(() => has(phone, "ben@example.org", "to both"), "the second device reads");
    await phone.send("ben@example.org", "from the phone");
    await until(() => has(ben, "ann@example.org", "from the phone"), "ben reads the phone");
    await until(
      () => has(ann, "ben@example.org", "from the phone"),
      "what the phone sent shows on the first",
    );
    const sent = (await ann.history("ben@example.org")).find(({ body }) => body === "from the phone");
    expect(sent).toMatchObject({ direction: "out", from: "ann@example.org" });
    await phone.send("Choir", "lo");
    await until(() => has(ben, "Choir", "lo"), "ben reads the phone in the group");
    await until(() => has(ann, "Choir", "lo"), "and the first device does");

    // Read state is shared.
    await phone.markRead("ben@example.org");
    await until(async () => {
      const one = (await ann.conversations()).find(({ peer }) => peer === "ben@example.org");
      return one?.unread === 0;
    }, "what was read on the phone is read on the first");
    await phone.updateSettings({ readReceipts: false });
    await ben.send("ann@example.org", "classic", { suite: "classic" });
    await ben.send("ann@example.org", "and more");
    await until(() => has(phone, "ben@example.org", "and more"), "the phone has more");
    await until(() => has(ann, "ben@example.org", "and more"), "the first has more");
    await phone.markRead("ben@example.org");
    await until(async () => {
      const one = (await ann.conversations()).find(({ peer }) => peer === "ben@example.org");
      return one?.unread === 0;
    }, "without receipts too");
  });

  test("can be the only one: the first is revoked from it, reads nothing more, and everything goes on", async () => {
    const cleo = await server.join("cleo@example.org");
    const dan = await server.join("dan@example.org");
    await cleo.send("dan@example.org", "one");
    await until(() => has(dan, "cleo@example.org", "one"), "dan has one");
    const laptop = await link(cleo, "laptop");
    await until(() => has(laptop, "dan@example.org", "one"), "the laptop has the history");
    await laptop.revokeDevice(cleo.self.deviceId);
    const [old] = await laptop.devices();
    expect(old).toMatchObject({ id: cleo.self.deviceId, revoked: true });
    await until(async () => {
      const members = await laptop.doctor();
      return members.conversations.every(({ pending }) => pending === 0);
    }, "the groups are put right");
    await dan.send("cleo@example.org", "two");
    await until(() => has(laptop, "dan@example.org", "two"), "the laptop reads on");
    await laptop.send("dan@example.org", "three");
    await until(() => has(dan, "cleo@example.org", "three"), "dan reads the laptop");
    expect(await bodies(cleo, "dan@example.org")).not.toContain("two");
    expect(cleo.connection).not.toBe("online");
  });

  test("a new identity key reaches the other devices, and contacts see that it changed", async () => {
    const eve = await server.join("eve@example.org");
    const fayHome = await server.register("fay@example.org");
    let fay = await open({ home: fayHome, passphrase: PASSPHRASE });
    await eve.send("fay@example.org", "hello");
    await until(() => has(fay, "eve@example.org", "hello"), "fay has hello");
    const phone = await link(eve, "phone");
    const told: string[] = [];
    phone.subscribe((event) => {
      if (event.type === "notice" && event.notice.type === "device_added") told.push(event.notice.name);
    });
    const tablet = await link(eve, "tablet");
    await until(() => told.includes("tablet"), "the phone is told of the tablet");
    await until(() => has(tablet, "fay@example.org", "hello"), "the tablet has the history");
    const before = await fay.safetyNumber("eve@example.org");
    await eve.rotateIdentity();
    await until(async () => (await eve.safetyNumber("fay@example.org")) !== before, "the number changed");
    // Any device may go on: the tablet revokes nobody but publishes a change with the new key.
    await until(
      async () =>
        tablet.rotateClassicKey().then(
          () => true,
          () => false,
        ),
      "the tablet has the new key",
    );
    await fay.close();
    fay = await open({ home: fayHome, passphrase: PASSPHRASE });
    opened.push(fay);
    await fay.contact("eve@example.org");
    await until(async () => {
      const contact = (await fay.contacts()).find(({ identifier }) => identifier === "eve@example.org");
      return contact?.identityChanged === true;
    }, "fay sees it");
    await expect(fay.send("eve@example.org", "still you?")).rejects.toMatchObject({
      code: "identity_changed",
    });
    await fay.acknowledgeIdentity("eve@example.org");
    await fay.send("eve@example.org", "fine");
    await until(() => has(tablet, "fay@example.org", "fine"), "the tablet reads on");
  });

  test("came and went while a contact was away: they read what it wrote, and the group goes on", async () => {
    const ivy = await server.join("ivy@example.org");
    const joeHome = await server.register("joe@example.org");
    let joe = await open({ home: joeHome, passphrase: PASSPHRASE });
    await ivy.createGroup("Choir", ["joe@example.org"]);
    await until(async () => (await joe.groups()).length === 1, "joe is in the group");
    const [before] = await joe.groups();
    await joe.close();
    const phone = await link(ivy, "phone");
    await until(async () => (await phone.groups()).length === 1, "the phone is in the group");
    await phone.send("Choir", "from the phone");
    await phone.flushed();
    await until(() => has(ivy, "Choir", "from the phone"), "the first device has it");
    await ivy.revokeDevice(phone.self.deviceId);
    await ivy.send("Choir", "without the phone");
    await ivy.flushed();
    joe = await open({ home: joeHome, passphrase: PASSPHRASE });
    opened.push(joe);
    const notices: unknown[] = [];
    joe.subscribe((event) => event.type === "notice" && notices.push(event.notice.type));
    await until(() => has(joe, "Choir", "without the phone"), "joe reads on");
    expect(await bodies(joe, "Choir")).toEqual(["from the phone", "without the phone"]);
    expect(notices.filter((type) => type === "refused" || type === "gap")).toEqual([]);
    expect(await joe.groups()).toMatchObject([{ id: before?.id, state: "joined" }]);
    await joe.send("Choir", "an answer");
    await until(() => has(ivy, "Choir", "an answer"), "and is read");
  });

  test("a code that is another's is refused before anything is shown", async () => {
    const gus = await server.join("gus@example.org");
    await expect(gus.linkRequest("AAAA-AAAA-AAAA-AAAA")).rejects.toMatchObject({ code: "link_refused" });
    await expect(gus.linkRequest("too short")).rejects.toMatchObject({ code: "usage" });
  });
});

describe("the recovery key", () => {
  test("brings the account and its contacts back when every device is lost", async () => {
    const hal = await server.join("hal@example.org");
    const home = freshHome();
    let recoveryKey = "";
    await register({
      home,
      identifier: "ida@example.org",
      passphrase: PASSPHRASE,
      server: server.running.invite,
      code: async () => server.code("ida@example.org"),
      onRecoveryKey: (text) => {
        recoveryKey = text;
      },
    });
    expect(recoveryKey).toMatch(/^([0-9A-Z]{4}-){7}[0-9A-Z]{4}$/);
    const ida = await open({ home, passphrase: PASSPHRASE });
    await ida.send("hal@example.org", "hello");
    await until(() => has(hal, "ida@example.org", "hello"), "hal has hello");
    await ida.setVerified("hal@example.org", true);
    const number = await ida.safetyNumber("hal@example.org");
    await until(async () => (await ida.doctor()).queued === 0, "ida is idle");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const account = ida.self.accountId;
    expect(await ida.recoveryKey(PASSPHRASE)).toBe(recoveryKey);
    await expect(ida.recoveryKey("wrong")).rejects.toMatchObject({ code: "passphrase_wrong" });
    await ida.close();

    const options = {
      identifier: "ida@example.org",
      passphrase: PASSPHRASE,
      server: server.running.invite,
      code: async () => server.code("ida@example.org"),
      deviceName: "new phone",
    };
    const wrong = recover({
      ...options,
      home: freshHome(),
      recoveryKey: recoveryKey.replace(/^..../, "0000"),
    });
    await expect(wrong).rejects.toMatchObject({ code: "recovery_key_wrong" });
    const newHome = freshHome();
    const self = await recover({ ...options, home: newHome, recoveryKey });
    expect(self.accountId).toBe(account);
    const back = await open({ home: newHome, passphrase: PASSPHRASE });
    opened.push(back);
    expect(await back.recoveryKey(PASSPHRASE)).toBe(recoveryKey);
    expect(await back.safetyNumber("hal@example.org")).toBe(number);
    const contact = (await back.contacts()).find(({ identifier }) => identifier === "hal@example.org");
    expect(contact?.verified).toBe(true);
    await back.send("hal@example.org", "I am back");
    await until(() => has(hal, "ida@example.org", "I am back"), "hal reads ida again");
    await hal.send("ida@example.org", "welcome back");
    await until(() => has(back, "hal@example.org", "welcome back"), "ida reads again");
    expect(
      (await hal.contacts()).find(({ identifier }) => identifier === "ida@example.org")?.identityChanged,
    ).toBe(false);
  });
});

describe("a reset", () => {
  test("is told to the account's devices, and any of them stops it", async () => {
    const jon = await server.join("jon@example.org");
    const told: number[] = [];
    jon.subscribe((event) => {
      if (event.type === "notice" && event.notice.type === "reset_pending") told.push(event.notice.at);
    });
    const options = {
      home: freshHome(),
      identifier: "jon@example.org",
      passphrase: PASSPHRASE,
      server: server.running.invite,
      code: async () => server.code("jon@example.org"),
    };
    const begun = await reset(options);
    expect(begun.done).toBe(false);
    await until(() => told[0] === begun.resetAt, "jon is told");
    expect(jon.resetPending()).toBe(begun.resetAt);
    await jon.cancelReset();
    await until(() => told.at(-1) === 0, "jon sees that it stopped");
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect((await reset(options)).done).toBe(false);
  });

  test("gives the identifier a new account after the delay, and contacts see it before the next message goes out", async () => {
    const kim = await server.join("kim@example.org");
    const leaHome = await server.register("lea@example.org");
    let lea = await open({ home: leaHome, passphrase: PASSPHRASE });
    await kim.send("lea@example.org", "hello");
    await until(() => has(lea, "kim@example.org", "hello"), "lea has hello");
    await kim.close();
    const options = {
      home: freshHome(),
      identifier: "kim@example.org",
      passphrase: PASSPHRASE,
      server: server.running.invite,
      code: async () => server.code("kim@example.org"),
    };
    const begun = await reset(options);
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(begun.done).toBe(false);
    expect((await reset(options)).done).toBe(true);
    const anew = await open({ home: options.home, passphrase: PASSPHRASE });
    opened.push(anew);
    expect(anew.self.accountId).not.toBe(kim.self.accountId);

    await lea.close();
    lea = await open({ home: leaHome, passphrase: PASSPHRASE });
    opened.push(lea);
    const sent = await lea.send("kim@example.org", "is it you?");
    await expect(lea.whenSent(sent.id)).rejects.toMatchObject({ code: "identity_changed" });
    expect(await bodies(anew, "lea@example.org")).toEqual([]);
    await lea.acknowledgeIdentity("kim@example.org");
    await until(() => has(anew, "lea@example.org", "is it you?"), "it goes out after that");
  });
});
