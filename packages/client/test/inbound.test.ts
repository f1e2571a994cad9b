/** What a server or a stranger can put into an inbox, and what the client makes of it: shown once, or refused with a code. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { LIMITS } from "@sotto/protocol";
import { alter, bytesOfId, craft, deliver, flip, publishNext, secretsOf } from "./support/forge.ts";
import { World, type TestPerson } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";
const EVE = "+15551230003";

let world: World;
let ann: TestPerson;
let ben: TestPerson;
let eve: TestPerson;
beforeEach(async () => {
  world = await World.make();
  [ann, ben, eve] = await Promise.all([world.person(ANN), world.person(BEN), world.person(EVE)]);
  await ann.start();
  await world.settle();
});

const text = (body: string, n?: number, from: string | undefined = BEN) => ({
  type: "text" as const,
  body,
  id: Buffer.from(body.padEnd(16, "-")).toString("hex").slice(0, 32),
  ...(from !== undefined && { from }),
  ...(n !== undefined && { n }),
});
const bodies = (person: TestPerson) => person.received.map((message) => message.body);
const now = () => Math.floor(world.clock.nowMs() / 1000);
const codes = (person: TestPerson) =>
  person.notices.map((notice) => (notice.type === "refused" ? notice.code : notice.type));

test("a message without Sotto's extensions is shown, under the account id, with an id from its signature", async () => {
  const message = await craft(ben, ann, { raw: '{"type":"text","body":"plain"}' });
  deliver(ann, message.json);
  await world.settle();
  expect(ann.received).toMatchObject([
    { body: "plain", from: ben.account, id: Buffer.from(message.hash).toString("hex").slice(0, 32) },
  ]);
});

test("a claimed identifier is believed only when the directory leads from it to the sender, and refused when it leads to somebody else", async () => {
  deliver(ann, (await craft(eve, ann, text("I am Ben", 1, BEN))).json);
  deliver(ann, (await craft(ben, ann, text("no, I am", 1, BEN))).json);
  await world.settle();
  expect(ann.received.map((message) => [message.from, message.body])).toEqual([[BEN, "no, I am"]]);
  expect(ann.notices).toMatchObject([{ type: "refused", from: eve.account, code: "message_refused" }]);
  expect(await ann.up.contacts()).toMatchObject([{ identifier: BEN }]);
});

test("what was received under an account id joins its conversation once the identifier is proven", async () => {
  deliver(ann, (await craft(ben, ann, { raw: '{"type":"text","body":"first"}' })).json);
  await world.settle();
  await ann.up.send(BEN, "queued before the lookup", { suite: "classic" });
  await world.settle();
  deliver(ann, (await craft(ben, ann, text("second", 1))).json);
  await world.settle();
  expect((await ann.up.history(BEN)).map((message) => message.body)).toEqual([
    "first",
    "queued before the lookup",
    "second",
  ]);
  expect(await ann.up.contacts()).toHaveLength(1);
  expect(await ann.up.conversations()).toMatchObject([{ peer: BEN, unread: 2, last: { body: "second" } }]);
});

test("a type of a newer version is shown as a line that says so", async () => {
  deliver(ann, (await craft(ben, ann, { raw: '{"type":"poll","question":"?"}' })).json);
  await world.settle();
  expect(bodies(ann)).toEqual([expect.stringContaining('"poll"')]);
});

describe("refused with a notice, acked, and the next one comes through", () => {
  const cases: readonly (readonly [string, string, (good: string) => Promise<string> | string])[] = [
    ["no JSON", "message_refused", () => "hello"],
    ["a seventh member", "message_refused", (good) => good.replace("{", '{"seventh":1,')],
    ["a member missing", "message_refused", (good) => good.replace(/"timestamp":\d+/, '"x":1')],
    [
      "an altered ciphertext",
      "signature_invalid",
      (good) => alter(good, "encrypted_content", (v) => flip(v, 900)),
    ],
    ["an altered key", "signature_invalid", (good) => alter(good, "encrypted_aes_key", (v) => flip(v, 77))],
    ["an altered signature", "signature_invalid", (good) => alter(good, "signature", (v) => flip(v, 5))],
    ["an altered time", "signature_invalid", (good) => alter(good, "timestamp", (v) => Number(v) + 1)],
    [
      "another recipient",
      "message_not_for_us",
      (good) => alter(good, "recipient_id", () => `${ben.account}.${ben.device}`),
    ],
    [
      "another sender",
      "signature_invalid",
      (good) => alter(good, "sender_id", () => `${eve.account}.${eve.device}`),
    ],
    [
      "a sender who does not exist",
      "device_unknown",
      (good) => alter(good, "sender_id", () => `${"0".repeat(32)}.${"1".repeat(32)}`),
    ],
    [
      "a device that is not listed",
      "device_unknown",
      (good) => alter(good, "sender_id", () => `${ben.account}.${"1".repeat(32)}`),
    ],
    [
      "a stale date",
      "message_stale",
      async () =>
        (await craft(ben, ann, text("old"), { timestampSec: now() - LIMITS.maxMessageAgeSec - 60 })).json,
    ],
    [
      "a future date",
      "message_from_future",
      async () =>
        (await craft(ben, ann, text("new"), { timestampSec: now() + LIMITS.maxCertificateLifetimeSec + 600 }))
          .json,
    ],
    [
      "encrypted to another key",
      "decryption_failed",
      async () =>
        (
          await craft(ben, ann, text("x"), {
            recipientKey: (await secretsOf(eve)).classicKeys[0]?.publicKey as Uint8Array,
          })
        ).json,
    ],
    [
      "signed by another key",
      "signature_invalid",
      async () =>
        (
          await craft(ben, ann, text("x"), {
            privateKey: (await secretsOf(eve)).classicKeys[0]?.privateKey as Uint8Array,
          })
        ).json,
    ],
    [
      "a plaintext that is no JSON",
      "message_refused",
      async () => (await craft(ben, ann, { raw: "hello" })).json,
    ],
    [
      "a text without a body",
      "message_refused",
      async () => (await craft(ben, ann, { raw: '{"type":"text"}' })).json,
    ],
  ];
  test.each(cases)("%s: %s", async (_, code, make) => {
    const good = (await craft(ben, ann, text("never shown"))).json;
    deliver(ann, await make(good));
    deliver(ann, (await craft(ben, ann, text("comes through", 1))).json);
    await world.settle();
    expect(codes(ann)).toEqual([code]);
    expect(bodies(ann)).toEqual(["comes through"]);
    expect(world.server.inboxes.get(ann.inbox)?.entries).toEqual([]);
    expect(ann.up.connection).toBe("online");
  });
});

test("an entry that is no protobuf, or of an unknown kind of item, is refused", async () => {
  world.server.deliver(ann.inbox, Uint8Array.of(0xff, 0xff, 0xff));
  world.server.deliver(ann.inbox, new Uint8Array());
  await world.settle();
  expect(codes(ann)).toEqual(["message_refused", "message_refused"]);
});

test("a replay is shown once, whether at once, later, or after a restart", async () => {
  const { json } = await craft(ben, ann, text("once", 1));
  deliver(ann, json);
  deliver(ann, json);
  await world.settle();
  deliver(ann, json);
  await world.settle();
  await ann.stop();
  await ann.start();
  deliver(ann, json);
  await world.settle();
  expect((await ann.up.history(BEN)).map((message) => message.body)).toEqual(["once"]);
  expect(codes(ann)).toEqual(["message_replayed"]);
});

test("the same message encrypted again is shown once, and receipted under both signatures", async () => {
  deliver(ann, (await craft(ben, ann, text("once", 1))).json);
  deliver(ann, (await craft(ben, ann, text("once", 1))).json);
  await world.settle();
  expect(bodies(ann)).toEqual(["once"]);
  expect(codes(ann)).toEqual([]);
});

test("what the server swallows is seen with the next message; what comes late closes the gap", async () => {
  const [one, two, three, five] = (await Promise.all(
    [1, 2, 3, 5].map(async (n) => (await craft(ben, ann, text(`number ${n}`, n))).json),
  )) as [string, string, string, string];
  deliver(ann, one);
  deliver(ann, three);
  await world.settle();
  expect(ann.notices).toEqual([{ type: "gap", from: BEN, count: 1 }]);
  deliver(ann, two);
  deliver(ann, five);
  await world.settle();
  expect(ann.notices).toEqual([
    { type: "gap", from: BEN, count: 1 },
    { type: "gap", from: BEN, count: 1 },
  ]);
  expect(bodies(ann)).toEqual(["number 1", "number 3", "number 2", "number 5"]);
});

test("a receipt counts only from the device that the message went to", async () => {
  await ben.start();
  const { id } = await ann.up.send(BEN, "for Ben", { suite: "classic" });
  ben.kill();
  await world.settle();
  const [envelope] = (await ann.up.history(BEN))[0]?.envelopes ?? [];
  const signature = Buffer.from(JSON.parse(envelope ?? "{}").signature, "base64");
  const of = [await world.crypto.sha256(new Uint8Array(signature))];
  deliver(ann, (await craft(eve, ann, { type: "receipt", status: "read", of })).json);
  deliver(
    ann,
    (await craft(ben, ann, { type: "receipt", status: "read", of: [...of, new Uint8Array(32)] })).json,
  );
  await world.settle();
  expect(codes(ann)).toEqual(["message_refused", "message_refused"]);
  expect((await ann.up.history(BEN))[0]?.status).toBe("sent");
  deliver(ann, (await craft(ben, ann, { type: "receipt", status: "delivered", of })).json);
  await world.settle();
  expect((await ann.up.history(BEN))[0]).toMatchObject({ id, status: "delivered" });
});

test("messages wait, in order and across restarts, while the directory cannot be asked", async () => {
  world.server.refuse = (frame) => (frame.case === "lookup" ? { code: "unavailable" } : undefined);
  deliver(ann, (await craft(ben, ann, text("one", 1))).json);
  deliver(ann, (await craft(ben, ann, text("two", 2))).json);
  deliver(ann, (await craft(eve, ann, text("three", 1, EVE))).json);
  await world.settle(20);
  expect(ann.received).toEqual([]);
  // They were acked: the server holds nothing any more.
  expect(world.server.inboxes.get(ann.inbox)?.entries).toEqual([]);
  ann.kill();
  await ann.start();
  let caughtUp = false;
  void ann.up.caughtUp().then(() => (caughtUp = true));
  await world.settle(20);
  expect(caughtUp).toBe(false);
  world.server.refuse = () => undefined;
  await world.settle(60);
  expect(bodies(ann).toSorted()).toEqual(["one", "three", "two"]);
  expect((await ann.up.history(BEN)).map((message) => message.body)).toEqual(["one", "two"]);
  expect(caughtUp).toBe(true);
  expect(ann.notices).toEqual([]);
});

test("a rate limit on lookups holds nobody up who is known already", async () => {
  deliver(ann, (await craft(ben, ann, text("one", 1))).json);
  await world.settle();
  await world.settle(400);
  world.server.refuse = (frame) =>
    frame.case === "lookup" ? { code: "rate_limited", retryAfterMs: 3_600_000 } : undefined;
  deliver(ann, (await craft(ben, ann, text("two", 2))).json);
  await world.settle();
  expect(bodies(ann)).toEqual(["one", "two"]);
});

test("a message signed by a key that was rotated in a moment ago makes the client look again", async () => {
  deliver(ann, (await craft(ben, ann, text("one", 1))).json);
  await world.settle();
  const fresh = await world.crypto.rsaGenerate();
  await publishNext(ben, (list) => {
    const [device] = list.devices;
    const [old] = device?.classicKeys ?? [];
    if (device === undefined || old === undefined) throw new Error("no device");
    old.revokedAtSec = list.createdAtSec;
    device.classicKeys.push({
      ...old,
      publicKey: fresh.publicKey,
      addedAtSec: list.createdAtSec,
      revokedAtSec: 0n,
    });
  });
  await world.settle(1);
  deliver(ann, (await craft(ben, ann, text("two", 2), { privateKey: fresh.privateKey })).json);
  await world.settle();
  deliver(ann, (await craft(ben, ann, text("by a thief", 3))).json);
  await world.settle();
  expect(bodies(ann)).toEqual(["one", "two"]);
  expect(codes(ann)).toEqual(["key_revoked"]);
});

test("notices wait for somebody to listen, and are told once", async () => {
  deliver(ann, "hello");
  await ann.stop();
  await ann.start();
  await world.settle();
  expect(codes(ann)).toEqual(["message_refused"]);
  await ann.stop();
  await ann.start();
  await world.settle();
  expect(codes(ann)).toEqual([]);
});

test("a device added by the server gets nothing, and what it sends is refused and shown", async () => {
  deliver(ann, (await craft(ben, ann, text("one", 1))).json);
  await world.settle();
  // The server signs with a key of its own: it has no other.
  const forger = await world.crypto.ed25519Generate();
  const rsa = await world.crypto.rsaGenerate();
  await publishNext(
    ben,
    (list) => {
      const [device] = list.devices;
      if (device === undefined) throw new Error("no device");
      list.devices.push({
        ...device,
        deviceId: bytesOfId("2".repeat(32)),
        inboxId: bytesOfId("3".repeat(32)),
        signatureKey: forger.publicKey,
        inboxKey: new Uint8Array(),
        classicKeys: device.classicKeys.map((key) => ({
          ...key,
          publicKey: rsa.publicKey,
          addedAtSec: list.createdAtSec,
        })),
        addedAtSec: list.createdAtSec,
      });
    },
    { identityKey: forger.privateKey },
  );
  deliver(
    ann,
    (await craft(ben, ann, text("evil", 1), { device: "2".repeat(32), privateKey: rsa.privateKey })).json,
  );
  await world.settle();
  expect(bodies(ann)).toEqual(["one"]);
  expect(codes(ann)).toEqual(
    expect.arrayContaining(["signature_invalid", "device_unknown", "device_unlisted"]),
  );
  await world.settle(400);
  const { id } = await ann.up.send(BEN, "secret", { suite: "classic" });
  const outcome = ann.up.whenSent(id).catch((error: unknown) => error);
  await world.settle();
  expect(await outcome).toMatchObject({ code: "signature_invalid" });
  expect(world.server.inboxes.get("3".repeat(32))?.entries).toEqual([]);
});

/** Checking signatures fails this often, by no fault of theirs. */
const breakFor = (times: number) => {
  const verify = vi.spyOn(world.crypto, "rsaPssVerify");
  for (let n = 0; n < times; n++) {
    verify.mockImplementationOnce(() => {
      throw new TypeError("out of order");
    });
  }
  onTestFinished(() => verify.mockRestore());
};

describe("a fault of ours", () => {
  test("costs no message: it is tried again, and shown", async () => {
    breakFor(2);
    deliver(ann, (await craft(ben, ann, text("patience", 1))).json);
    await world.settle();
    await world.clock.advance(60_000);
    await world.settle();
    expect(bodies(ann)).toEqual(["patience"]);
    expect(ann.notices).toEqual([]);
  });

  test("that stays is told in the end, and holds up nothing after it", async () => {
    breakFor(7);
    deliver(ann, (await craft(ben, ann, text("cursed", 1))).json);
    deliver(ann, (await craft(ben, ann, text("fine", 2))).json);
    for (let minute = 0; minute < 10; minute++) {
      await world.clock.advance(60_000);
      await world.settle();
    }
    expect(bodies(ann)).toEqual(["fine"]);
    expect(codes(ann)).toContain("internal");
  });
});
