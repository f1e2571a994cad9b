import { randomBytes, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LIMITS, challengeTranscript } from "@sotto/protocol";
import { clientFrame, encodeClientFrames, settle } from "@sotto/testkit";
import { nextList } from "../../support/account.ts";
import { TestNode, attachInbox, hello, message } from "./node.ts";

const nonce = new Uint8Array(32).fill(5);

describe("signing in", () => {
  test("the server proves itself over both nonces, then takes the device", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const connection = node.connect();
    connection.send(hello(nonce));
    const challenge = connection.all("challenge")[0]!;
    expect(challenge.serverNonce.length).toBe(32);
    const transcript = challengeTranscript(nonce, challenge.serverNonce);
    expect(verify(null, transcript, node.challengeKey.publicKey, challenge.signature)).toBe(true);
    connection.send(ann.signIn(nonce, challenge.serverNonce));
    await settle();
    expect(connection.all("signedIn")[0]?.deviceListVersion).toBe(1n);
  });

  test("each connection gets its own nonce, and a signature for another one is refused", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const first = node.connect();
    const second = node.connect();
    for (const connection of [first, second]) connection.send(hello(nonce));
    const nonces = [first, second].map((connection) => connection.all("challenge")[0]!.serverNonce);
    expect(nonces[0]).not.toEqual(nonces[1]);
    second.send(ann.signIn(nonce, nonces[0]!));
    await settle();
    expect(second.goodbye()).toBe("sign_in_refused");
    expect(second.ended).toBe("refused");
  });

  test("an unknown device and another's device are refused alike", async () => {
    const node = new TestNode();
    const elsewhere = await new TestNode().person();
    const [ann, bob] = [await node.person(), await node.person()];
    for (const twist of ["stranger", "other"] as const) {
      const connection = node.connect();
      connection.send(hello(nonce));
      const { serverNonce } = connection.all("challenge")[0]!;
      const signIn = (twist === "stranger" ? elsewhere : ann).signIn(nonce, serverNonce);
      if (twist === "other" && signIn.case === "signIn") {
        signIn.value.accountId = bob.account.list.accountId;
        signIn.value.deviceId = bob.account.list.devices[0]!.deviceId;
      }
      connection.send(signIn);
      await settle();
      expect(connection.goodbye()).toBe("sign_in_refused");
      expect(connection.session.signedIn).toBe(false);
    }
  });

  test("frames in the same message as SignIn are handled after it", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const connection = node.connect();
    connection.send(hello(nonce));
    const { serverNonce } = connection.all("challenge")[0]!;
    connection.send(
      ann.signIn(nonce, serverNonce),
      attachInbox(1, ann.inbox),
      message(2, ann.inbox, "to myself"),
    );
    await settle(20);
    expect(connection.texts()).toEqual(["to myself"]);
    expect(connection.inputPaused).toBe(false);
  });

  test("what comes in another message meanwhile waits too, and nothing more is read until it had its turn", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const connection = node.connect();
    connection.send(hello(nonce));
    const { serverNonce } = connection.all("challenge")[0]!;
    connection.send(ann.signIn(nonce, serverNonce));
    expect(connection.inputPaused).toBe(false);
    connection.send(attachInbox(1, ann.inbox), message(2, ann.inbox, "to myself"));
    expect(connection.inputPaused).toBe(true);
    await settle(20);
    expect(connection.texts()).toEqual(["to myself"]);
    expect(connection.inputPaused).toBe(false);
  });

  test("nothing else comes before it", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const early = node.connect();
    early.send(message(1, ann.inbox, "x"));
    expect(early.goodbye()).toBe("not_signed_in");
    const twice = node.connect();
    twice.send(hello(nonce), hello(nonce));
    expect(twice.goodbye()).toBe("unexpected_frame");
    const unasked = node.connect();
    unasked.send(ann.signIn(nonce, nonce));
    expect(unasked.goodbye()).toBe("unexpected_frame");
    const again = await ann.online();
    again.send(hello(nonce));
    expect(again.goodbye()).toBe("unexpected_frame");
  });

  test("another version, wrong lengths, and what is no message end the connection", async () => {
    const node = new TestNode();
    const cases: [Uint8Array, string][] = [
      [encodeClientFrames([clientFrame(hello(nonce, 2))]), "unsupported_version"],
      [encodeClientFrames([clientFrame(hello(nonce.subarray(1)))]), "malformed"],
      [encodeClientFrames([clientFrame({ case: undefined })]), "unexpected_frame"],
      [Uint8Array.of(0x0a, 0xff), "malformed"],
      [new Uint8Array(LIMITS.maxMessageBytes + 1), "too_large"],
      [
        encodeClientFrames(
          Array.from({ length: LIMITS.maxFramesPerMessage + 1 }, () => clientFrame({ case: undefined })),
        ),
        "too_large",
      ],
    ];
    for (const [bytes, code] of cases) {
      const connection = node.connect();
      connection.session.receive(bytes);
      expect(connection.goodbye()).toBe(code);
      connection.session.receive(bytes);
      expect(connection.all("goodbye").length).toBe(1);
    }
  });

  test("who takes too long is told so", async () => {
    const node = new TestNode();
    const silent = node.connect();
    silent.session.signInTimedOut();
    expect(silent.goodbye()).toBe("sign_in_timeout");
    const ann = await (await node.person()).online();
    ann.session.signInTimedOut();
    expect(ann.goodbye()).toBeUndefined();
  });

  test("a failing store is no answer about the device", async () => {
    const node = new TestNode();
    const ann = await node.person();
    node.store.readDevice = () => Promise.reject(new Error("broken"));
    const connection = node.connect();
    connection.send(hello(nonce));
    connection.send(ann.signIn(nonce, connection.all("challenge")[0]!.serverNonce));
    await settle();
    expect(connection.goodbye()).toBe("internal");
    expect(node.failures.length).toBe(1);
  });
});

describe("one connection for each device", () => {
  test("the newest wins, the older one is told so, and its end does not end the newer", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const older = await ann.reading();
    const newer = await ann.reading();
    expect(older.goodbye()).toBe("superseded");
    expect(older.ended).toBe("superseded");
    older.session.disconnected();
    const bob = await (await node.person()).online();
    bob.send(message(1, ann.inbox, "hello"));
    await settle();
    expect(newer.texts()).toEqual(["hello"]);
    expect(older.texts()).toEqual([]);
    const newest = await ann.online();
    expect(newer.goodbye()).toBe("superseded");
    expect(newest.goodbye()).toBeUndefined();
  });

  test("a device that is revoked loses its session, and cannot come back", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const connection = await ann.reading();
    const revoked = nextList(ann.account, (list) => {
      list.devices[0]!.revokedAtSec = list.createdAtSec;
    });
    connection.send({ case: "putDeviceList", value: { request: 7, deviceList: revoked.signed } });
    await settle(20);
    expect(connection.outcome(7)).toBe("ok");
    expect(connection.goodbye()).toBe("sign_in_refused");
    expect(connection.ended).toBe("revoked");
    const back = node.connect();
    back.send(hello(nonce));
    back.send(ann.signIn(nonce, back.all("challenge")[0]!.serverNonce));
    await settle();
    expect(back.goodbye()).toBe("sign_in_refused");
  });
});

test("an id of a request is never 0", async () => {
  const node = new TestNode();
  const ann = await node.person();
  const connection = await ann.online();
  connection.send(message(0, ann.inbox, "x"), attachInbox(0, ann.inbox));
  await settle();
  expect(connection.all("refused").map(({ problem }) => problem?.code)).toEqual(["malformed", "malformed"]);
});

test("wrong lengths and numbers in requests are refused one by one", async () => {
  const node = new TestNode();
  const ann = await node.person();
  const connection = await ann.online();
  const log = new Uint8Array(16);
  const token = new Uint8Array(32);
  connection.send(
    { case: "append", value: { request: 1, logId: log.subarray(1), kind: 1 } },
    { case: "append", value: { request: 2, logId: log, kind: 0 } },
    { case: "append", value: { request: 3, logId: log, kind: 1, accessToken: token.subarray(1) } },
    { case: "append", value: { request: 4, logId: log, kind: 2, nextTokenHash: token.subarray(1) } },
    { case: "append", value: { request: 5, logId: log, kind: 1, nextTokenHash: token } },
    { case: "append", value: { request: 6, logId: log, kind: 1, epoch: 2n ** 60n } },
    { case: "createLog", value: { request: 7, logId: log, tokenHash: token.subarray(1) } },
    { case: "openSlot", value: { request: 8, logId: log, slotId: log, accessToken: new Uint8Array() } },
    { case: "attach", value: { request: 9, logId: log, window: 2_000 } },
    {
      case: "append",
      value: {
        request: 10,
        logId: log,
        kind: 1,
        body: new Uint8Array(randomBytes(LIMITS.maxEntryBytes + 1)),
      },
    },
  );
  await settle();
  for (let request = 1; request <= 9; request++) expect(connection.outcome(request)).toBe("malformed");
  expect(connection.outcome(10)).toBe("too_large");
  expect(connection.goodbye()).toBeUndefined();
});
