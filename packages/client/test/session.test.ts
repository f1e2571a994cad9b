/** The session: the server must prove its key, and the client comes back from whatever ends a connection. */
import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { ServerFrameSchema, deletionTranscript, type Challenge } from "@sotto/protocol";
import { memoryStorage } from "../src/adapters/memory-storage.ts";
import { accountOf } from "../src/core/hex.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { craft, deliver } from "./support/forge.ts";
import { World, type TestPerson } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";

let world: World;
let ann: TestPerson;
let ben: TestPerson;
beforeEach(async () => {
  world = await World.make();
  [ann, ben] = await Promise.all([world.person(ANN), world.person(BEN)]);
});

const connectionEvents = (person: TestPerson) =>
  person.events.flatMap((event) =>
    event.type === "connection"
      ? [event.problem === undefined ? event.state : `${event.state} ${event.problem}`]
      : [],
  );

describe("a server that does not prove the pinned key hears nothing but a hello", () => {
  const lies: readonly (readonly [string, (challenge: Challenge) => Partial<Challenge>])[] = [
    ["no certificate", () => ({ certificate: undefined })],
    ["an altered signature", ({ signature }) => ({ signature: signature.map((byte) => byte ^ 1) })],
    ["another nonce", ({ serverNonce }) => ({ serverNonce: serverNonce.map((byte) => byte ^ 1) })],
    [
      "a certificate that its key did not sign",
      ({ certificate }) => ({
        certificate: certificate && {
          ...certificate,
          signature: certificate.signature.map((byte) => byte ^ 1),
        },
      }),
    ],
    [
      "a certificate that is no protobuf",
      ({ certificate }) => ({
        certificate: certificate && { ...certificate, body: Uint8Array.of(255, 255) },
      }),
    ],
  ];
  test.each(lies)("%s", async (_, lie) => {
    world.server.twist = (told) => {
      const { frame } = told;
      if (frame.case !== "challenge") return [told];
      return [
        {
          ...told,
          frame: { case: "challenge", value: { ...frame.value, ...lie(frame.value) } as Challenge },
        },
      ];
    };
    await ann.start();
    await ann.up.send(BEN, "secret", { suite: "classic" });
    await world.settle(20);
    expect(connectionEvents(ann)).toContain("offline server_key_mismatch");
    expect([...world.server.counts.keys()]).toEqual(["hello"]);
    // It is tried again, and works once the right server answers.
    world.server.twist = (frame) => [frame];
    await world.settle(60);
    expect(ann.up.connection).toBe("online");
  });
});

test("a device signs in and reads on in two round trips: hello comes with the connection, the inbox is attached with the sign-in", async () => {
  const said: (string | undefined)[] = [];
  const transport = world.server.transport();
  world.server.transport = () => ({
    ...transport,
    async connect(events, hello) {
      said.push(hello.frame.case);
      const frames: typeof events.frames = (got) => {
        said.push(...got.map(({ frame }) => frame.case));
        events.frames(got);
      };
      const connection = await transport.connect({ ...events, frames }, hello);
      const send: typeof connection.send = (sent) => {
        said.push(...sent.map(({ frame }) => frame.case));
        connection.send(sent);
      };
      return { close: () => connection.close(), send };
    },
  });
  await ann.start();
  await world.settle(5);
  expect(said.slice(0, 6)).toEqual(["hello", "challenge", "signIn", "attach", "signedIn", "attached"]);
  expect(said.filter((name) => name === "hello" || name === "attach").length).toBe(2);
});

test("another server with a key of its own is refused", async () => {
  const other = await World.make(2);
  const transport = other.server.transport();
  world.server.transport = () => ({
    ...transport,
    connect: (events, hello) => {
      const answered = transport.connect(events, hello);
      queueMicrotask(() => void other.settle(1));
      return answered;
    },
  });
  await ann.start();
  for (let i = 0; i < 5; i++) {
    await world.settle(1);
    await other.settle(1);
  }
  expect(connectionEvents(ann)).toContain("offline server_key_mismatch");
  expect(other.server.counts.get("signIn")).toBeUndefined();
});

test("a server that never answers is left after a while, and tried again", async () => {
  world.server.twist = () => [];
  await ann.start();
  await world.settle(40);
  expect(connectionEvents(ann)).toContain("offline server_unreachable");
  world.server.twist = (frame) => [frame];
  await world.settle(60);
  expect(ann.up.connection).toBe("online");
});

test("a server that stops is left when nothing is under way, and found again when it said", async () => {
  await ann.start();
  await world.settle();
  world.server.tellAll({ case: "draining", value: { reconnectAfterMs: 3_000n } });
  await world.settle(1);
  expect(ann.up.connection).toBe("offline");
  const { id } = await ann.up.send(BEN, "meanwhile", { suite: "classic" });
  await world.settle(1);
  expect(world.server.counts.get("hello")).toBe(1);
  await world.settle(8);
  expect(ann.up.connection).toBe("online");
  await ann.up.whenSent(id);
});

test("a server that lets nobody in for now is left alone for as long as it said", async () => {
  const problem = { code: "draining", retryAfterMs: 10_000n };
  world.server.twist = ({ frame }) =>
    frame.case === "challenge"
      ? [create(ServerFrameSchema, { frame: { case: "goodbye", value: { problem } } })]
      : [create(ServerFrameSchema, { frame })];
  await ann.start();
  await world.settle(9);
  expect(connectionEvents(ann)).toContain("offline draining");
  expect(world.server.counts.get("hello")).toBe(1);
  await world.settle(8);
  expect(world.server.counts.get("hello")).toBe(2);
});

test("a goodbye ends the connection with its reason", async () => {
  await ann.start();
  await world.settle();
  world.server.tellAll({ case: "goodbye", value: { problem: { code: "superseded" } } });
  await world.settle(1);
  expect(connectionEvents(ann)).toContain("offline superseded");
  await world.settle(60);
  expect(ann.up.connection).toBe("online");
});

test("a device that is not let in says so", async () => {
  world.server.accounts.delete(ann.account);
  await ann.start();
  await world.settle(2);
  expect(connectionEvents(ann)).toContain("offline sign_in_refused");
});

/** The server says that the account was deleted. */
const sayDeleted = async (signedBy: "nobody" | "its device" | "its owner", over = ann) => {
  const own = await vaultStore(ann.vault, memoryStorage(ann.rows)).get(names.own);
  if (own === undefined) throw new Error("no account");
  const [clientNonce, serverNonce] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const transcript = deletionTranscript(
    clientNonce,
    serverNonce,
    own.serverFingerprint,
    accountOf(over.account),
  );
  const key = signedBy === "its owner" ? own.identityKey : own.deviceKey;
  const signature = await world.crypto.ed25519Sign(key.privateKey, transcript);
  world.server.tellAll({
    case: "goodbye",
    value: {
      problem: { code: "account_deleted" },
      ...(signedBy !== "nobody" && { deletion: { clientNonce, serverNonce, signature } }),
    },
  });
  await world.settle(1);
};
const toldDeleted = () => ann.notices.filter(({ type }) => type === "account_deleted").length;

describe("that the account was deleted", () => {
  test("is believed with its identity key's signature, told once, and then nobody knocks any more", async () => {
    await ann.start();
    await world.settle(1);
    const hellos = world.server.counts.get("hello");
    await sayDeleted("its owner");
    expect(connectionEvents(ann).at(-1)).toBe("offline account_deleted");
    expect(toldDeleted()).toBe(1);
    await world.settle(600);
    expect(world.server.counts.get("hello")).toBe(hellos);
    expect((await ann.up.settings()).readReceipts).toBe(true);
  });

  test.each(["nobody", "its device"] as const)("is not believed when %s signed it", async (by) => {
    await ann.start();
    await world.settle(1);
    await sayDeleted(by);
    expect(connectionEvents(ann)).toContain("offline sign_in_refused");
    expect(connectionEvents(ann)).not.toContain("offline account_deleted");
    await world.settle(60);
    expect(ann.up.connection).toBe("online");
    expect(toldDeleted()).toBe(0);
  });

  test("is not believed of another account", async () => {
    await ann.start();
    await world.settle(1);
    await sayDeleted("its owner", ben);
    expect(connectionEvents(ann)).toContain("offline sign_in_refused");
    expect(connectionEvents(ann)).not.toContain("offline account_deleted");
    expect(toldDeleted()).toBe(0);
  });
});

test("a server that lost its entries is read from the start, and nothing is shown twice", async () => {
  await ann.start();
  deliver(ann, (await craft(ben, ann, { type: "text", body: "one", from: BEN, n: 1 })).json);
  const two = await craft(ben, ann, { type: "text", body: "two", from: BEN, n: 2 });
  deliver(ann, two.json);
  await world.settle();
  const inbox = world.server.inboxes.get(ann.inbox);
  if (inbox === undefined) throw new Error("no inbox");
  Object.assign(inbox, { seq: 0, entries: [], cursor: 0 });
  ann.kill();
  deliver(ann, two.json);
  await ann.start();
  deliver(ann, (await craft(ben, ann, { type: "text", body: "three", from: BEN, n: 3 })).json);
  await world.settle();
  expect((await ann.up.history(BEN)).map((message) => message.body)).toEqual(["one", "two", "three"]);
});

test("answers that nobody asked for, seqs out of range and unknown frames harm nothing", async () => {
  await ann.start();
  await world.settle();
  const junk: Parameters<typeof world.server.tellAll>[0][] = [
    { case: "appended", value: { request: 77, seq: 5n } },
    { case: "done", value: { request: 0 } },
    { case: "lookupResult", value: { request: 78, found: true } },
    { case: "refused", value: { request: 0 } },
    { case: "entries", value: { logId: new Uint8Array(16), entries: [{ seq: 1n }] } },
    { case: "signedIn", value: { deviceListVersion: 9n } },
    { case: "challenge", value: {} },
    { case: "epochEnded", value: {} },
    { case: undefined },
  ];
  for (const frame of junk) world.server.tellAll(frame);
  await world.settle();
  expect(ann.up.connection).toBe("online");
  const inbox = Uint8Array.from(Buffer.from(ann.inbox, "hex"));
  world.server.tellAll({
    case: "entries",
    value: { logId: inbox, entries: [{ seq: 2n ** 63n, body: inbox }] },
  });
  await world.settle(1);
  expect(connectionEvents(ann)).toContain("offline malformed");
  await world.settle(60);
  deliver(ann, (await craft(ben, ann, { type: "text", body: "still here", from: BEN })).json);
  await world.settle();
  expect(ann.received.map((message) => message.body)).toEqual(["still here"]);
});

test.each([1, 2, 3, 4, 5])(
  "frames that come twice or overtake each other lose nothing and show nothing twice: seed %i",
  async (seed) => {
    world = await World.make(seed);
    [ann, ben] = await Promise.all([world.person(ANN), world.person(BEN)]);
    await ann.start();
    await ben.start();
    await world.settle();
    world.network.weather = {
      ...world.network.weather,
      duplicateChance: 0.3,
      reorderChance: 0.3,
      delayMs: [0, 200],
    };
    const bodies: string[] = [];
    for (let i = 0; i < 60; i++) {
      bodies.push(`number ${i}`);
      await ann.up.send(BEN, `number ${i}`, { suite: "classic" });
      if (i % 7 === 0) await world.settle(1);
    }
    world.server.cutAll();
    await world.settle(120);
    expect(ben.received.map((message) => message.body)).toEqual(bodies);
    expect(ben.notices.filter((notice) => notice.type === "gap")).toEqual([]);
  },
);

test("entries that the server turns around are asked for again, and shown in order", async () => {
  await ann.start();
  await world.settle();
  let swapped = 0;
  world.server.twist = (told) => {
    const { frame } = told;
    if (frame.case !== "entries" || frame.value.entries.length < 2 || swapped++ > 0) return [told];
    return [
      { ...told, frame: { ...frame, value: { ...frame.value, entries: frame.value.entries.toReversed() } } },
    ];
  };
  await ann.stop();
  for (const [i, body] of ["one", "two", "three"].entries()) {
    deliver(ann, (await craft(ben, ann, { type: "text", body, from: BEN, n: i + 1 })).json);
  }
  await ann.start();
  await world.settle();
  expect(swapped).toBeGreaterThan(1);
  expect(ann.received.map((message) => message.body)).toEqual(["one", "two", "three"]);
  expect(ann.notices).toEqual([]);
});

test("an entry that the server keeps swallowing holds nobody up, and shows as missing", async () => {
  await ann.start();
  await world.settle();
  world.server.twist = (told) => {
    const { frame } = told;
    if (frame.case !== "entries") return [told];
    const entries = frame.value.entries.filter((entry) => entry.seq !== 2n);
    return entries.length === 0 ? [] : [{ ...told, frame: { ...frame, value: { ...frame.value, entries } } }];
  };
  for (const [i, body] of ["one", "two", "three", "four"].entries()) {
    deliver(ann, (await craft(ben, ann, { type: "text", body, from: BEN, n: i + 1 })).json);
    await world.settle(1);
  }
  await world.settle();
  expect(ann.received.map((message) => message.body)).toEqual(["one", "three", "four"]);
  expect(ann.notices).toEqual([{ type: "gap", from: BEN, count: 1 }]);
});

test("without a connection, what is stored can be read and what needs a server says so", async () => {
  await ann.start();
  await ben.start();
  await ben.up.send(ANN, "stored", { suite: "classic" });
  await world.settle();
  await ann.stop();
  const hellos = world.server.counts.get("hello");
  await ann.start(false);
  await ann.up.send(BEN, "later", { suite: "classic" });
  expect((await ann.up.history(BEN)).map((message) => message.body)).toEqual(["stored", "later"]);
  await expect(ann.up.caughtUp()).rejects.toMatchObject({ code: "server_unreachable" });
  await expect(ann.up.contact("+15551239999")).rejects.toMatchObject({ code: "server_unreachable" });
  await world.settle(60);
  expect(world.server.counts.get("hello")).toBe(hellos);
  expect(ann.up.connection).toBe("offline");
});

test("waiting ends with its signal, and with close()", async () => {
  await ann.start(false);
  const abort = new AbortController();
  const { id } = await ann.up.send(BEN, "never", { suite: "classic" });
  const waits = [ann.up.whenSent(id, { signal: abort.signal }), ann.up.flushed({ signal: abort.signal })].map(
    (wait) => wait.catch((error: unknown) => error),
  );
  const shown = ann.up.messages({ signal: abort.signal })[Symbol.asyncIterator]().next();
  const open = ann.up.messages()[Symbol.asyncIterator]().next();
  const endless = ann.up.flushed().catch((error: unknown) => error);
  await world.settle();
  abort.abort(new Error("enough"));
  for (const wait of waits) expect(await wait).toMatchObject({ message: "enough" });
  expect(await shown).toEqual({ done: true, value: undefined });
  await ann.stop();
  expect(await open).toEqual({ done: true, value: undefined });
  expect(await endless).toMatchObject({ code: "storage_failed" });
  await expect(ann.messenger?.send(BEN, "x")).rejects.toMatchObject({ code: "storage_failed" });
});
