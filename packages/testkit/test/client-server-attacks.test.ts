/**
 * Servers that are not the one whose key was pinned, and servers that want less protection than was agreed, against a whole
 * client: another RSA key, an old challenge again, certificates that are expired, foreign or too long-lived, answers that are
 * not sealed by the server, a lowered protocol version, a suite that was not asked for. The device never signs in to them.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { register } from "@sotto/client/node";
import { importPrivateKey } from "@sotto/crypto";
import {
  type Challenge,
  ChallengeSchema,
  type ClientFrame,
  EntryKind,
  LABELS,
  LIMITS,
  ServerCertificateBodySchema,
  type ServerFrame,
  challengeTranscript,
  formatFingerprint,
  labelled,
  utf8,
} from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Link, LyingServer, Phone, TestServer } from "../src/attack.ts";
import { SeededRandom, serverFrame } from "../src/index.ts";
import { type Scene, aboutEntries, nowSec, provider, setScene } from "./support/lied-to.ts";

let scene: Scene;
/** Another server's keys: made by the liar. */
let foreign: { privateKey: Uint8Array; publicKey: Uint8Array };

beforeAll(async () => {
  scene = await setScene();
  foreign = await provider.rsaGenerate();
});

afterEach(async () => {
  scene.liar.behave();
  // After so many refusals the client would take its time.
  await scene.bob.restart();
  await scene.recover();
});

afterAll(() => scene.close());

/** Answers Hello by a challenge of the liar's making. What Bob said then, and why he stays away. */
async function challengedBy(make: (link: Link, honest: Challenge) => Promise<Challenge>): Promise<unknown> {
  const { bob, liar } = scene;
  const said: ClientFrame["frame"]["case"][] = [];
  bob.forget();
  liar.lie({
    up: (told) => {
      said.push(told.frame.case);
      return [told];
    },
    down: (told, link) => {
      const { frame } = told;
      if (frame.case !== "challenge") return [told];
      void make(link, frame.value).then((value) => link.toClient(serverFrame({ case: "challenge", value })));
      return [];
    },
  });
  liar.cutAll();
  const problem = () =>
    bob.events.findLast(
      (event) =>
        event.type === "connection" &&
        event.state === "offline" &&
        event.problem !== undefined &&
        event.problem !== "connection_lost",
    );
  await bob.until("he stays away", () => problem() !== undefined);
  const event = problem();
  return { said: [...new Set(said)], problem: event?.type === "connection" ? event.problem : undefined };
}

const staysAway = { said: ["hello"], problem: "server_key_mismatch" };

const clientNonceOf = (link: Link): Uint8Array => {
  const [first] = link.said;
  return first?.frame.case === "hello" ? first.frame.value.clientNonce : new Uint8Array();
};

/** The real server's private key: what only an attack on the server itself would give. */
async function serverPrivateKey(): Promise<Uint8Array> {
  const folder = scene.server.running.dataFolder;
  return importPrivateKey(provider, readFileSync(join(folder, "server_private_key.pem"), "utf8"));
}

/** A whole challenge, certified by an RSA key. */
async function challengeOf(
  link: Link,
  rsaPrivateKey: Uint8Array,
  { notBefore = nowSec() - 60, notAfter = nowSec() + 3_600, clientNonce = clientNonceOf(link) } = {},
): Promise<Challenge> {
  const key = await provider.ed25519Generate();
  const body = toBinary(
    ServerCertificateBodySchema,
    create(ServerCertificateBodySchema, {
      challengeKey: key.publicKey,
      notBeforeSec: BigInt(notBefore),
      notAfterSec: BigInt(notAfter),
    }),
  );
  const serverNonce = new Uint8Array(randomBytes(32));
  return create(ChallengeSchema, {
    serverNonce,
    certificate: {
      body,
      signature: await provider.rsaPssSign(rsaPrivateKey, labelled(LABELS.serverCertificate, body)),
    },
    signature: await provider.ed25519Sign(key.privateKey, challengeTranscript(clientNonce, serverNonce)),
  });
}

describe("a server without the pinned key", () => {
  test("has another RSA key: the device says hello and nothing more", async () => {
    expect(await challengedBy((link) => challengeOf(link, foreign.privateKey))).toEqual(staysAway);
  });

  test("(what the attacks below are measured against: who holds the pinned key is answered)", async () => {
    const real = await serverPrivateKey();
    expect(await challengedBy((link) => challengeOf(link, real))).toEqual({
      said: ["hello", "signIn", "attach"],
      problem: "sign_in_refused",
    });
  });

  test("plays an old challenge of the real server again", async () => {
    let old: Challenge | undefined;
    scene.liar.lie({
      down: (told) => {
        if (told.frame.case === "challenge") old = told.frame.value;
        return [told];
      },
    });
    scene.liar.cutAll();
    await expect.poll(() => old).toBeDefined();
    await scene.bob.online();
    expect(await challengedBy(async () => old!)).toEqual(staysAway);
  });

  test("shows a certificate that has expired, is not valid yet, or lives too long", async () => {
    const real = await serverPrivateKey();
    const now = nowSec();
    // Signed by the right key, and of another time: either somebody shows an old one, or a clock is wrong.
    const notNow = { said: ["hello"], problem: "clock_wrong" };
    const lives = [
      [{ notBefore: now - 86_400, notAfter: now - LIMITS.maxClockSkewSec - 60 }, notNow],
      [{ notBefore: now + LIMITS.maxClockSkewSec + 60, notAfter: now + 86_400 }, notNow],
      [{ notBefore: now - 60, notAfter: now + LIMITS.maxCertificateLifetimeSec + 60 }, staysAway],
      [{ notBefore: now + 60, notAfter: now - 60 }, staysAway],
    ] as const;
    for (const [life, outcome] of lives) {
      expect(await challengedBy((link) => challengeOf(link, real, life))).toEqual(outcome);
    }
  });

  test("holds a certificate's body of the real server, signed by another key, or with another challenge key in it", async () => {
    expect(
      await challengedBy(async (link, honest) => {
        const made = await challengeOf(link, foreign.privateKey);
        return { ...made, certificate: { ...made.certificate!, signature: honest.certificate!.signature } };
      }),
    ).toEqual(staysAway);
    expect(
      await challengedBy(async (link, honest) => ({
        ...(await challengeOf(link, foreign.privateKey)),
        certificate: honest.certificate!,
      })),
    ).toEqual(staysAway);
  });

  test("relays the real certificate with a signature over another client's nonce", async () => {
    const real = await serverPrivateKey();
    const clientNonce = new Uint8Array(randomBytes(32));
    expect(await challengedBy((link) => challengeOf(link, real, { clientNonce }))).toEqual(staysAway);
  });

  test.each([
    [
      "no certificate",
      ({ serverNonce, signature }: Challenge) => create(ChallengeSchema, { serverNonce, signature }),
    ],
    ["no signature", (honest: Challenge) => ({ ...honest, signature: new Uint8Array() })],
    ["a short nonce", (honest: Challenge) => ({ ...honest, serverNonce: honest.serverNonce.subarray(1) })],
    ["an empty challenge", () => create(ChallengeSchema)],
  ])("answers with %s", async (_, change) => {
    expect(await challengedBy(async (_link, honest) => change(honest))).toEqual(staysAway);
  });

  test("lets the device sign in without a challenge: nothing is believed", async () => {
    const { bob, liar } = scene;
    const said: ClientFrame["frame"]["case"][] = [];
    bob.forget();
    liar.lie({
      up: (told) => {
        said.push(told.frame.case);
        return [told];
      },
      down: (told) =>
        told.frame.case === "challenge"
          ? [serverFrame({ case: "signedIn", value: { deviceListVersion: 1n } })]
          : [told],
    });
    liar.cutAll();
    await expect.poll(() => said.length).toBeGreaterThan(0);
    await new Promise((resolve) => void setTimeout(resolve, 300));
    expect(new Set(said)).toEqual(new Set(["hello"]));
    expect(bob.messenger.connection).not.toBe("online");
  });
});

describe("registering", () => {
  const homes: string[] = [];
  afterAll(() => {
    for (const home of homes) rmSync(home, { recursive: true, force: true });
  });

  /** Registers somebody through the liar: "registered", or the code of the refusal. */
  async function attempt(identifier: string): Promise<string> {
    const home = mkdtempSync(join(tmpdir(), "sotto-register-"));
    homes.push(home);
    try {
      await register({
        home,
        server: scene.liar.origin,
        serverKey: formatFingerprint(scene.server.facts.fingerprint),
        identifier,
        passphrase: "correct horse battery staple",
        code: async () => scene.server.code(identifier),
      });
      return "registered";
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  test("at a server that shows another key: refused before anything is sealed to it", async () => {
    const identifier = "+15551238001";
    scene.liar.lie({ getServer: (answer) => ({ ...answer, publicKey: foreign.publicKey }) });
    expect(await attempt(identifier)).toBe("server_key_mismatch");
    expect(scene.server.code(identifier)).toBe("");
    scene.liar.behave();
    expect(await attempt(identifier)).toBe("registered");
  });

  test("at a server that makes up the answer: refused, and the registration can be taken up again", async () => {
    const identifier = "+15551238002";
    for (const lie of [
      (answer: Uint8Array) => answer.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
      () => new Uint8Array(randomBytes(64)),
      () => new Uint8Array(),
    ]) {
      scene.liar.lie({ sealedAnswer: (_, answer) => lie(answer) });
      expect(await attempt(identifier)).toBe("server_key_mismatch");
    }
    scene.liar.behave();
    expect(await attempt(identifier)).toBe("registered");
  });

  test("with the answer to another method in its place: refused", async () => {
    const identifier = "+15551238003";
    let kept = new Uint8Array();
    scene.liar.lie({
      sealedAnswer: (method, answer) => {
        if (method === "Register") return kept;
        kept = new Uint8Array(answer);
        return answer;
      },
    });
    expect(await attempt(identifier)).toBe("server_key_mismatch");
  });
});

describe("a downgrade", () => {
  test("of the protocol's version on the way up: the server refuses, and the client tries no other version", async () => {
    const { bob, liar } = scene;
    const versions: number[] = [];
    bob.forget();
    liar.lie({
      up: (told) => {
        const { frame } = told;
        if (frame.case !== "hello") return [told];
        versions.push(frame.value.protocolVersion);
        return [{ ...told, frame: { ...frame, value: { ...frame.value, protocolVersion: 0 } } }];
      },
    });
    liar.cutAll();
    await bob.until("he is told", () =>
      bob.events.some((event) => event.type === "connection" && event.problem === "unsupported_version"),
    );
    expect(new Set(versions)).toEqual(new Set([LIMITS.protocolVersion]));
  });

  test("to another suite than was asked for: a peer shown without KeyPackages gets nothing, and the sender is told", async () => {
    const { ann, bob, liar } = scene;
    const said: ClientFrame["frame"]["case"][] = [];
    liar.lie({
      up: (told) => {
        said.push(told.frame.case);
        return [told];
      },
      down: (told) => {
        const { frame } = told;
        if (frame.case !== "keyPackagesClaimed") return [told];
        return [{ ...told, frame: { ...frame, value: { ...frame.value, keyPackages: [] } } }];
      },
    });
    const { id } = await bob.messenger.send(ann.identifier, "mls or nothing");
    await expect(bob.messenger.whenSent(id)).rejects.toMatchObject({ code: "no_usable_key" });
    expect((await bob.messenger.history(ann.identifier)).at(-1)).toMatchObject({
      suite: "mls",
      status: "failed",
      problem: "no_usable_key",
    });
    expect(said).toContain("claimKeyPackages");
    expect(said).not.toContain("append");
  });

  test("to the classic suite where the operator switched it off: the server takes none", async () => {
    const strict = await TestServer.start(provider, { classic: false });
    const [one, other] = [
      await Phone.register(strict, strict.facts.origin, "+15551239001"),
      await Phone.register(strict, strict.facts.origin, "+15551239002"),
    ];
    expect(await one.sends(other.identifier, "in the clear, nearly")).toBe("classic_switched_off");
    const [kept] = await one.messenger.history(other.identifier);
    expect(kept).toMatchObject({ status: "failed", problem: "classic_switched_off" });
    expect(other.inbox).toEqual([]);
    for (const closing of [one, other, strict]) await closing.close();
  });
});

describe("answers that no honest server gives", () => {
  test("3,000 frames of every kind that nobody asked for: passed over, the connection goes on", async () => {
    const { bob, liar } = scene;
    const random = new SeededRandom(0x1ab);
    const [link] = liar.links;
    const number = () => random.pick([0n, 1n, 7n, 2n ** 32n, 2n ** 53n - 1n]);
    const request = () => random.integer(20);
    const problem = () => ({
      code: random.pick(["internal", "no_such_code", "", "log_refused"]),
      message: "\u0007x".repeat(50),
    });
    const logId = () => random.bytes(random.pick([0, 15, 16]));
    const make = (): ServerFrame => {
      switch (random.integer(8)) {
        case 0:
          return serverFrame({ case: "appended", value: { request: 100_000 + request(), seq: number() } });
        case 1:
          return serverFrame({ case: "done", value: { request: 100_000 + request() } });
        case 2:
          return serverFrame({
            case: "refused",
            value: { request: 100_000 + request(), problem: problem() },
          });
        case 3:
          return serverFrame({ case: "refused", value: { request: 0, problem: problem() } });
        case 4:
          return serverFrame({
            case: "entries",
            value: {
              logId: logId(),
              entries: [{ seq: number(), kind: random.integer(5) as EntryKind, body: random.bytes(9) }],
            },
          });
        case 5:
          return serverFrame({
            case: "epochEnded",
            value: { logId: logId(), slotId: logId(), epoch: number() },
          });
        case 6:
          return serverFrame({ case: "lookupResult", value: { request: 100_000 + request(), found: true } });
        default:
          return serverFrame({ case: undefined });
      }
    };
    bob.forget();
    for (let i = 0; i < 3_000; i += 50) link?.toClient(...Array.from({ length: 50 }, make));
    expect(await bob.sends(scene.ann.identifier, "after the noise")).toBe("sent");
    expect(bob.events.filter((event) => event.type === "connection")).toEqual([]);
    expect(bob.notices).toEqual([]);
  });

  test("bytes that are no frames: the connection ends with a reason, and comes back", async () => {
    const { bob, liar } = scene;
    bob.forget();
    const [link] = liar.links;
    link?.rawToClient(utf8("these are no frames"));
    const problems = () =>
      bob.events.flatMap((event) => (event.type === "connection" && event.problem ? [event.problem] : []));
    await bob.until("he is told", () => problems().length > 0);
    expect(problems()).toEqual(["malformed"]);
    await bob.online();
  });

  test("a seq of 2^64 - 1, or a jump ahead: no later message is lost by it", async () => {
    const { ann, bob, liar } = scene;
    for (const jump of [2n ** 64n - 1n, 1_000_000n]) {
      liar.lie({ down: aboutEntries((entry) => [{ ...entry, seq: jump }]) });
      await ann.sends(bob.identifier, `with seq ${jump}`);
      await new Promise((resolve) => void setTimeout(resolve, 200));
      liar.behave();
      liar.cutAll();
      await ann.sends(bob.identifier, `after seq ${jump}`);
      await bob.receives(`with seq ${jump}`);
      await bob.receives(`after seq ${jump}`);
    }
    const bodies = (await bob.messenger.history(ann.identifier)).map(({ body }) => body);
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  test("an inbox that was set back to its beginning: nothing is shown twice", async () => {
    const { ann, bob, liar } = scene;
    const kept: Uint8Array[] = [];
    liar.lie({
      down: aboutEntries((entry) => {
        kept.push(entry.body);
        return [entry];
      }),
    });
    await ann.sends(bob.identifier, "from before the backup");
    await bob.receives("from before the backup");
    bob.forget();
    liar.lie({
      down: (told) => {
        const { frame } = told;
        if (frame.case !== "attached") return [told];
        const entries = kept.map((body, i) => ({
          seq: BigInt(i + 1),
          epoch: 0n,
          kind: EntryKind.MESSAGE,
          body,
        }));
        return [
          serverFrame({ case: "attached", value: { ...frame.value, headSeq: BigInt(entries.length) } }),
          serverFrame({ case: "entries", value: { logId: frame.value.logId, entries } }),
        ];
      },
    });
    liar.cutAll();
    await bob.until("the replay is told", () => bob.refusals.includes("message_replayed"));
    expect(bob.inbox).toEqual([]);
  });
});

test("a liar that lies about nothing is no hindrance", async () => {
  const second = await LyingServer.start(scene.server.facts.origin);
  const phone = await Phone.register(scene.server, second.origin, "+15551237777");
  expect(await phone.sends(scene.ann.identifier, "through an honest proxy")).toBe("sent");
  await scene.ann.receives("through an honest proxy");
  await phone.close();
  await second.close();
});
