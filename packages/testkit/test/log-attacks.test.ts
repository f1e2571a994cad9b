/**
 * Attacks on logs, over real sockets: reading and writing conversation logs without their token, other people's inboxes,
 * slots that are not one's own. Whoever may not enter a log cannot even learn that it exists.
 */
import { createHash, randomBytes } from "node:crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { EntryKind, LIMITS, type LogId, logId, utf8 } from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HonestPair, type Person, type RawClient, TestServer } from "../src/attack.ts";

const provider = nodeProvider();
let server: TestServer;
let honest: HonestPair;
let ann: Person;
let people: [Person, Person];
let alice: RawClient;
let mallory: RawClient;

beforeAll(async () => {
  server = await TestServer.start(provider);
  honest = await HonestPair.join(server);
  ann = await server.join();
  people = [ann, await server.join()];
});

beforeEach(async () => {
  [alice, mallory] = [await server.connect(people[0]), await server.connect(people[1])];
});

afterEach(async () => {
  alice.close();
  mallory.close();
  await honest.exchange();
});

afterAll(async () => {
  honest.close();
  await server.close();
});

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest());

/** A conversation log of Alice's with her slot: epochs 0 and 1, a message in each, a Commit between. */
interface Conversation {
  readonly log: LogId;
  readonly slot: Uint8Array;
  /** Access tokens of epochs 0 and 1. */
  readonly tokens: readonly [Uint8Array, Uint8Array];
}

type Append = { epoch: number; token: Uint8Array; kind?: EntryKind; body?: string; next?: Uint8Array };

/** Appends to a log; "appended" or the code of the refusal. */
async function append(
  client: RawClient,
  log: Uint8Array,
  { epoch, token, kind, body, next }: Append,
): Promise<string> {
  const request = client.request();
  client.send({
    case: "append",
    value: {
      request,
      logId: log,
      accessToken: token,
      epoch: BigInt(epoch),
      kind: kind ?? EntryKind.MESSAGE,
      body: utf8(body ?? "x"),
      nextTokenHash: next ?? new Uint8Array(),
    },
  });
  return client.outcome(request);
}

/** Attaches to a log; "attached" or the code of the refusal. */
async function attach(
  client: RawClient,
  log: Uint8Array,
  slot: Uint8Array,
  token: Uint8Array,
  epoch: number,
): Promise<string> {
  const request = client.request();
  client.send({
    case: "attach",
    value: { request, logId: log, slotId: slot, accessToken: token, epoch: BigInt(epoch) },
  });
  return client.outcome(request);
}

async function openSlot(
  client: RawClient,
  log: Uint8Array,
  slot: Uint8Array,
  token: Uint8Array,
  epoch: number,
): Promise<string> {
  const request = client.request();
  client.send({
    case: "openSlot",
    value: { request, logId: log, slotId: slot, accessToken: token, epoch: BigInt(epoch), afterSeq: 0n },
  });
  return client.outcome(request);
}

async function createLog(client: RawClient, log: Uint8Array, token: Uint8Array): Promise<string> {
  const request = client.request();
  client.send({ case: "createLog", value: { request, logId: log, epoch: 0n, tokenHash: sha256(token) } });
  return client.outcome(request);
}

async function conversation(formerSlot?: Uint8Array): Promise<Conversation> {
  const log = logId(bytes(16));
  const slot = bytes(16);
  const tokens = [bytes(32), bytes(32)] as const;
  const outcomes = [
    await createLog(alice, log, tokens[0]),
    await openSlot(alice, log, slot, tokens[0], 0),
    formerSlot === undefined ? "done" : await openSlot(mallory, log, formerSlot, tokens[0], 0),
    await append(alice, log, { epoch: 0, token: tokens[0], body: "first" }),
    await append(alice, log, {
      epoch: 0,
      token: tokens[0],
      kind: EntryKind.COMMIT,
      body: "commit",
      next: sha256(tokens[1]),
    }),
    await append(alice, log, { epoch: 1, token: tokens[1], body: "second" }),
  ];
  expect(outcomes).toEqual(["done", "done", "done", "appended", "appended", "appended"]);
  return { log, slot, tokens };
}

/** Tokens that do not open epoch 1 of a conversation, and that of another conversation of Mallory's own. */
async function wrongTokens({ tokens }: Conversation): Promise<Record<string, Uint8Array>> {
  const own = bytes(32);
  expect(await createLog(mallory, bytes(16), own)).toBe("done");
  return {
    "a random token": bytes(32),
    "the token of the epoch before": tokens[0],
    "the hash of the right token": sha256(tokens[1]),
    "the token of another log": own,
    zeros: new Uint8Array(32),
    "the right token with one bit changed": tokens[1].map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
  };
}

/** A refusal as it travels, without its request's number. */
async function refusal(client: RawClient, request: number): Promise<unknown> {
  const { problem } = await client.next("refused", (refused) => refused.request === request);
  return problem;
}

describe("a conversation log without its token", () => {
  test("cannot be written: no wrong token appends a message, an ephemeral or a Commit", async () => {
    const target = await conversation();
    for (const [what, token] of Object.entries(await wrongTokens(target))) {
      for (const kind of [EntryKind.MESSAGE, EntryKind.EPHEMERAL, EntryKind.COMMIT]) {
        const next = kind === EntryKind.COMMIT ? bytes(32) : new Uint8Array();
        expect([what, await append(mallory, target.log, { epoch: 1, token, kind, next })]).toEqual([
          what,
          "log_refused",
        ]);
      }
    }
    expect(await append(mallory, target.log, { epoch: 1, token: new Uint8Array() })).toBe("log_refused");
    // Nothing was written: the next seq is the one after what Alice wrote, and epoch 1 still stands.
    const request = alice.request();
    const { log, tokens } = target;
    alice.send({
      case: "append",
      value: {
        request,
        logId: log,
        accessToken: tokens[1],
        epoch: 1n,
        kind: EntryKind.MESSAGE,
        body: utf8("third"),
      },
    });
    expect((await alice.next("appended", (appended) => appended.request === request)).seq).toBe(4n);
  });

  test("cannot be read: no wrong token attaches or opens a slot, whoever's slot id is shown", async () => {
    const target = await conversation();
    for (const [what, token] of Object.entries(await wrongTokens(target))) {
      expect([what, await attach(mallory, target.log, target.slot, token, 1)]).toEqual([what, "log_refused"]);
      expect([what, await openSlot(mallory, target.log, bytes(16), token, 1)]).toEqual([what, "log_refused"]);
    }
    expect(mallory.received.filter(({ frame }) => frame.case === "entries")).toEqual([]);
  });

  test("looks exactly as if it did not exist", async () => {
    const target = await conversation();
    const token = bytes(32);
    const answers: unknown[][] = [];
    for (const log of [target.log, logId(bytes(16)), ann.inbox]) {
      const value = { logId: log, accessToken: token, epoch: 1n };
      const [first, second, third] = [mallory.request(), mallory.request(), mallory.request()];
      mallory.send({
        case: "append",
        value: { ...value, request: first, kind: EntryKind.MESSAGE, body: utf8("x") },
      });
      mallory.send({ case: "attach", value: { ...value, request: second, slotId: bytes(16) } });
      mallory.send({ case: "openSlot", value: { ...value, request: third, slotId: bytes(16) } });
      answers.push([
        await refusal(mallory, first),
        await refusal(mallory, second),
        await refusal(mallory, third),
      ]);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test("a removed member's token reads up to the Commit that removed them, and not one entry further", async () => {
    const slot = bytes(16);
    const { log, tokens } = await conversation(slot);
    expect(await openSlot(mallory, log, bytes(16), tokens[0], 0)).toBe("epoch_ended");
    expect(await attach(mallory, log, slot, tokens[0], 0)).toBe("attached");
    const ended = await mallory.next("epochEnded");
    expect(ended.commitSeq).toBe(2n);
    await append(alice, log, { epoch: 1, token: tokens[1], body: "third" });
    await append(alice, log, { epoch: 1, token: tokens[1], kind: EntryKind.EPHEMERAL, body: "typing" });
    expect(await attach(mallory, log, slot, tokens[0], 1)).toBe("log_refused");
    const seen = mallory.received.flatMap(({ frame }) =>
      frame.case === "entries" ? frame.value.entries : [],
    );
    expect(seen.map(({ body }) => Buffer.from(body).toString())).toEqual(["first", "commit"]);
  });

  test("an epoch that has ended takes nothing more, and says who won", async () => {
    const { log, tokens } = await conversation();
    const request = alice.request();
    const late = {
      logId: log,
      accessToken: tokens[0],
      epoch: 0n,
      kind: EntryKind.MESSAGE,
      body: utf8("late"),
    };
    alice.send({ case: "append", value: { ...late, request } });
    const problem = await refusal(alice, request);
    expect(problem).toMatchObject({ code: "epoch_ended", winnerSeq: 2n, current: 1n });
    expect(await append(alice, log, { epoch: 2, token: tokens[1] })).toBe("log_refused");
  });

  test("two Commits race for an epoch: one wins, the other learns who", async () => {
    const { log, tokens } = await conversation();
    const commits = [alice.request(), alice.request()];
    alice.send(
      ...commits.map((request) => ({
        case: "append" as const,
        value: {
          request,
          logId: log,
          accessToken: tokens[1],
          epoch: 1n,
          kind: EntryKind.COMMIT,
          body: utf8("race"),
          nextTokenHash: bytes(32),
        },
      })),
    );
    const outcomes = [await alice.outcome(commits[0]!), await alice.outcome(commits[1]!)];
    expect(outcomes.toSorted()).toEqual(["appended", "epoch_ended"]);
  });

  test("cannot be created over one that exists, nor over an inbox", async () => {
    const { log, tokens } = await conversation();
    expect(await createLog(mallory, log, bytes(32))).toBe("log_exists");
    expect(await createLog(mallory, ann.inbox, bytes(32))).toBe("log_exists");
    expect(await append(alice, log, { epoch: 1, token: tokens[1] })).toBe("appended");
  });
});

describe("an inbox", () => {
  test("of somebody else cannot be read, and looks as if it did not exist", async () => {
    const ids = [ann.inbox, logId(bytes(16))];
    const answers: unknown[] = [];
    for (const log of ids) {
      const request = mallory.request();
      mallory.send({ case: "attach", value: { request, logId: log } });
      answers.push(await refusal(mallory, request));
    }
    expect(answers[0]).toMatchObject({ code: "log_refused" });
    expect(answers[1]).toEqual(answers[0]);
    expect(await openSlot(mallory, ann.inbox, bytes(16), bytes(32), 0)).toBe("log_refused");
  });

  test("of somebody else cannot be acked empty", async () => {
    await append(mallory, ann.inbox, { epoch: 0, token: new Uint8Array(), body: "kept" });
    mallory.send({ case: "ack", value: { logId: ann.inbox, seq: 1n } });
    expect((await mallory.next("refused")).problem?.code).toBe("not_attached");
    await alice.attach(ann.inbox);
    const { entries } = await alice.next("entries");
    expect(entries.some(({ body }) => Buffer.from(body).toString() === "kept")).toBe(true);
  });

  test("takes no Commit, no token and no epoch", async () => {
    const none = new Uint8Array();
    expect(
      await append(mallory, ann.inbox, { epoch: 0, token: none, kind: EntryKind.COMMIT, next: bytes(32) }),
    ).toBe("log_refused");
    expect(await append(mallory, ann.inbox, { epoch: 1, token: none })).toBe("log_refused");
    expect(await append(mallory, ann.inbox, { epoch: 0, token: bytes(32) })).toBe("log_refused");
  });
});

describe("acks and numbers that lie", () => {
  test("an ack of what was never sent, or of 2^64 - 1, is refused and deletes nothing", async () => {
    await append(mallory, ann.inbox, { epoch: 0, token: new Uint8Array(), body: "waits" });
    await alice.attach(ann.inbox);
    const { entries } = await alice.next("entries");
    for (const seq of [entries.at(-1)!.seq + 1n, 2n ** 64n - 1n]) {
      alice.send({ case: "ack", value: { logId: ann.inbox, seq } });
      expect((await alice.next("refused")).problem?.code).toBe("malformed");
    }
    await alice.attach(ann.inbox);
    expect((await alice.next("entries")).entries.length).toBe(entries.length);
  });

  test.each([
    ["request number 0", { request: 0 }, "malformed"],
    ["an epoch of 2^64 - 1", { epoch: 2n ** 64n - 1n }, "malformed"],
    ["a short log id", { logId: new Uint8Array(15) }, "malformed"],
    ["a short token", { accessToken: new Uint8Array(31) }, "malformed"],
    ["an unknown kind", { kind: 99 as EntryKind }, "malformed"],
    ["no kind", { kind: EntryKind.UNSPECIFIED }, "malformed"],
    ["a token hash with a message", { nextTokenHash: new Uint8Array(32) }, "malformed"],
    ["a Commit without a token hash", { kind: EntryKind.COMMIT }, "malformed"],
    ["a body that is too large", { body: new Uint8Array(LIMITS.maxEntryBytes + 1) }, "too_large"],
  ])("%s is refused, and the connection goes on", async (_, changes, code) => {
    const value = { request: 77, logId: ann.inbox, kind: EntryKind.MESSAGE, body: utf8("x"), ...changes };
    mallory.send({ case: "append", value });
    const { problem } = await mallory.next("refused", ({ request }) => request === value.request);
    expect(problem?.code).toBe(code);
    expect(await append(mallory, ann.inbox, { epoch: 0, token: new Uint8Array() })).toBe("appended");
  });

  test("a window beyond the limit is refused", async () => {
    const request = alice.request();
    alice.send({ case: "attach", value: { request, logId: ann.inbox, window: LIMITS.maxWindow + 1 } });
    expect(await alice.outcome(request)).toBe("malformed");
  });

  test("the largest body goes through", async () => {
    const largest = new Uint8Array(LIMITS.maxEntryBytes);
    expect(await mallory.append(ann.inbox, largest)).toBe("appended");
  });
});
