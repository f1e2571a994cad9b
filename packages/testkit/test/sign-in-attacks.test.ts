/** Attacks on signing in, over real sockets: somebody else's device, replays, and talking out of turn. */
import { randomBytes } from "node:crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { EntryKind, utf8 } from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HonestPair, type Person, RawClient, TestServer } from "../src/attack.ts";
import { clientFrame, encodeClientFrames } from "../src/index.ts";

const provider = nodeProvider();
let server: TestServer;
let honest: HonestPair;
let ann: Person;
let mallory: Person;

beforeAll(async () => {
  server = await TestServer.start(provider);
  honest = await HonestPair.join(server);
  [ann, mallory] = [await server.join(), await server.join()];
});

// After every attack the honest pair still gets its messages through.
afterEach(() => honest.exchange());

afterAll(async () => {
  honest.close();
  await server.close();
});

const nonce = (): Uint8Array => new Uint8Array(randomBytes(32));

/** Connects and gets a challenge. */
async function challenged(): Promise<RawClient> {
  const client = await RawClient.connect(server.facts.origin);
  await client.hello(nonce());
  return client;
}

const claimOf = (person: Person, changes: object = {}) => ({
  account: person.account,
  device: person.device,
  privateKey: person.deviceKey.privateKey,
  fingerprint: server.facts.fingerprint,
  ...changes,
});

/** What the last word of the server was after a sign-in; "signed in" when it was let in. */
async function signInOutcome(client: RawClient): Promise<string> {
  const signedIn = client.next("signedIn").then(
    () => "signed in",
    () => "refused",
  );
  const outcome = await Promise.race([
    signedIn,
    client.closed.then(({ goodbye }) => goodbye ?? "no goodbye"),
  ]);
  client.close();
  return outcome;
}

describe("signing in as another device", () => {
  test("with the own key for somebody else's device: refused", async () => {
    const client = await challenged();
    await client.signInAs(provider, claimOf(ann, { privateKey: mallory.deviceKey.privateKey }));
    expect(await signInOutcome(client)).toBe("sign_in_refused");
  });

  test("with the identity key instead of the device's: refused", async () => {
    const client = await challenged();
    await client.signInAs(provider, claimOf(ann, { privateKey: ann.identity.privateKey }));
    expect(await signInOutcome(client)).toBe("sign_in_refused");
  });

  test("the own device under somebody else's account, and the other way round: refused", async () => {
    for (const changes of [{ account: ann.account }, { device: ann.device }]) {
      const client = await challenged();
      await client.signInAs(provider, claimOf(mallory, changes));
      expect(await signInOutcome(client)).toBe("sign_in_refused");
    }
  });

  test("a device that does not exist is refused in the same words as a wrong signature", async () => {
    const words = async (claim: ReturnType<typeof claimOf>) => {
      const client = await challenged();
      await client.signInAs(provider, claim);
      const { problem } = await client.next("goodbye");
      client.close();
      return [problem?.code, problem?.message];
    };
    const wrong = await words(claimOf(ann, { privateKey: mallory.deviceKey.privateKey }));
    expect(await words(claimOf(ann, { account: nonce().subarray(0, 16) }))).toEqual(wrong);
    expect(await words(claimOf(ann, { device: nonce().subarray(0, 16) }))).toEqual(wrong);
  });

  test("a sign-in made for another server is refused", async () => {
    const client = await challenged();
    await client.signInAs(provider, claimOf(ann, { fingerprint: nonce() }));
    expect(await signInOutcome(client)).toBe("sign_in_refused");
  });
});

describe("replaying a sign-in", () => {
  test("on another connection: refused, with the same client nonce too", async () => {
    const first = await challenged();
    await first.signInAs(provider, claimOf(ann));
    await first.next("signedIn");
    for (const clientNonce of [first.clientNonce, nonce()]) {
      const second = await RawClient.connect(server.facts.origin);
      await second.hello(clientNonce);
      await second.signInAs(provider, claimOf(ann), first.challenge?.serverNonce);
      expect(await signInOutcome(second)).toBe("sign_in_refused");
    }
    // Nor did the replays disturb the honest connection.
    expect(await first.append(ann.inbox, utf8("still here"))).toBe("appended");
    first.close();
  });

  test("the server never uses a nonce twice", async () => {
    const nonces = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const client = await challenged();
      nonces.add(Buffer.from(client.challenge?.serverNonce ?? []).toString("hex"));
      client.close();
    }
    expect(nonces.size).toBe(50);
  });
});

describe("a device that was revoked", () => {
  test("is thrown out at once, and cannot sign in again", async () => {
    const owner = await server.join();
    const revoker = await server.connect(owner);
    const list = await owner.nextList(Math.floor(Date.now() / 1000), (next) => {
      next.devices[0]!.revokedAtSec = next.createdAtSec;
    });
    const request = revoker.request();
    revoker.send({ case: "putDeviceList", value: { request, deviceList: list } });
    expect((await revoker.closed).goodbye).toBe("sign_in_refused");
    const client = await challenged();
    await client.signInAs(provider, claimOf(owner));
    expect(await signInOutcome(client)).toBe("sign_in_refused");
  });
});

describe("talking out of turn", () => {
  const request = 1;
  const append = {
    case: "append" as const,
    value: { request, logId: new Uint8Array(16), kind: EntryKind.MESSAGE },
  };
  const hello = { case: "hello" as const, value: { protocolVersion: 1, clientNonce: new Uint8Array(32) } };
  const signIn = {
    case: "signIn" as const,
    value: { accountId: new Uint8Array(16), deviceId: new Uint8Array(16), signature: new Uint8Array(64) },
  };

  test.each([
    ["a request before Hello", [append], "not_signed_in"],
    ["a request between Hello and sign-in", [hello, append], "not_signed_in"],
    ["a sign-in before Hello", [signIn], "unexpected_frame"],
    ["Hello twice", [hello, hello], "unexpected_frame"],
    [
      "another protocol version",
      [{ ...hello, value: { ...hello.value, protocolVersion: 2 } }],
      "unsupported_version",
    ],
    [
      "protocol version 0",
      [{ ...hello, value: { ...hello.value, protocolVersion: 0 } }],
      "unsupported_version",
    ],
    [
      "a short nonce",
      [{ ...hello, value: { ...hello.value, clientNonce: new Uint8Array(31) } }],
      "malformed",
    ],
    ["no nonce", [{ ...hello, value: { ...hello.value, clientNonce: new Uint8Array() } }], "malformed"],
    [
      "a short signature",
      [hello, { ...signIn, value: { ...signIn.value, signature: new Uint8Array(63) } }],
      "malformed",
    ],
    [
      "a short account id",
      [hello, { ...signIn, value: { ...signIn.value, accountId: new Uint8Array(1) } }],
      "malformed",
    ],
  ])("%s", async (_, frames, code) => {
    const client = await RawClient.connect(server.facts.origin);
    client.send(...frames);
    expect((await client.closed).goodbye).toBe(code);
  });

  test("a request sent behind the sign-in, in the same message, is not carried out when that is refused", async () => {
    const client = await challenged();
    const head = { ...append, value: { ...append.value, logId: ann.inbox, body: utf8("smuggled") } };
    client.send(signIn, head);
    expect((await client.closed).goodbye).toBe("sign_in_refused");
    const owner = await server.connect(ann);
    await owner.attach(ann.inbox);
    const seen = await owner.append(ann.inbox, utf8("marker"));
    expect(seen).toBe("appended");
    const bodies = new Set<string>();
    while (!bodies.has("marker")) {
      for (const { body } of (await owner.next("entries")).entries) bodies.add(Buffer.from(body).toString());
    }
    expect(bodies.has("smuggled")).toBe(false);
    owner.close();
  });

  test.each([
    ["a frame of a kind that nobody knows", Uint8Array.of(0x0a, 0x03, 0xa2, 0x06, 0x00)],
    ["a frame without content", encodeClientFrames([clientFrame({ case: undefined })])],
  ])("%s", async (_, bytes) => {
    const client = await server.connect(mallory);
    client.sendBytes(bytes);
    expect((await client.closed).goodbye).toBe("unexpected_frame");
  });

  test("a text message instead of a binary one closes the connection", async () => {
    const client = await server.connect(mallory);
    client.socket.send("hello");
    const { goodbye, code } = await client.closed;
    expect([goodbye, code]).not.toEqual([undefined, 1006]);
  });
});
