/** Knowing the server: its key, its certificate, its challenge, and the sign-in that answers it. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Challenge,
  ChallengeSchema,
  LABELS,
  ServerCertificateBodySchema,
  ServerCertificateSchema,
  challengeTranscript,
  labelled,
  signInTranscript,
  utf8,
} from "@sotto/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import type { Ed25519KeyPair } from "../src/provider.ts";
import {
  type ServerKey,
  fingerprintOf,
  signIn,
  verifyChallenge,
  verifyServerKey,
} from "../src/server-trust.ts";
import { codeOf, flipped } from "./support/bytes.ts";
import { idOf } from "./support/people.ts";
import { pairs, providers } from "./support/providers.ts";
import { key } from "./support/vectors.ts";

const server = key("ben-current");
const now = 1_795_464_000;
const day = 86_400;
const nonce = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe.each(pairs)("a server on $by.name, a client on $at.name", ({ by, at }) => {
  let serverKey: ServerKey;
  let challengeKey: Ed25519KeyPair;

  interface Options {
    readonly notBefore?: number;
    readonly notAfter?: number;
    readonly clientNonce?: Uint8Array;
    readonly serverNonce?: Uint8Array;
    readonly signer?: Uint8Array;
    readonly body?: Uint8Array;
  }

  async function challenge(options: Options = {}): Promise<Challenge> {
    const body =
      options.body ??
      toBinary(
        ServerCertificateBodySchema,
        create(ServerCertificateBodySchema, {
          challengeKey: challengeKey.publicKey,
          notBeforeSec: BigInt(options.notBefore ?? now - day),
          notAfterSec: BigInt(options.notAfter ?? now + day),
        }),
      );
    const certified = labelled(LABELS.serverCertificate, body);
    const serverNonce = options.serverNonce ?? nonce(2);
    const transcript = challengeTranscript(options.clientNonce ?? nonce(1), serverNonce);
    return create(ChallengeSchema, {
      serverNonce,
      certificate: create(ServerCertificateSchema, {
        body,
        signature: await by.rsaPssSign(options.signer ?? server.privateKey, certified),
      }),
      signature: await by.ed25519Sign(challengeKey.privateKey, transcript),
    });
  }

  const verify = async (options: Options = {}, at2 = now) =>
    verifyChallenge(at, serverKey, nonce(1), await challenge(options), at2);

  beforeAll(async () => {
    challengeKey = await by.ed25519Generate();
    serverKey = await verifyServerKey(at, await fingerprintOf(by, server.publicKey), server.publicKey);
  });

  test("a challenge of the known server is taken and answered", async () => {
    const device = await at.ed25519Generate();
    const ids = { accountId: idOf(1), deviceId: idOf(2) };
    const answer = await signIn(at, await verify(), { ...ids, privateKey: device.privateKey });
    const transcript = signInTranscript(
      nonce(1),
      nonce(2),
      serverKey.fingerprint,
      ids.accountId,
      ids.deviceId,
    );
    expect(answer.accountId).toEqual(ids.accountId);
    expect(answer.deviceId).toEqual(ids.deviceId);
    expect(await by.ed25519Verify(device.publicKey, transcript, answer.signature)).toBe(true);
  });

  test("a certificate counts for its time, with five minutes of tolerance", async () => {
    const times = { notBefore: now - day, notAfter: now + day };
    for (const at2 of [now - day - 300, now + day + 300])
      expect((await verify(times, at2)).serverNonce).toEqual(nonce(2));
    for (const at2 of [now - day - 301, now + day + 301]) {
      expect(await codeOf(() => verify(times, at2))).toBe("clock_wrong");
      // Whatever else is wrong counts first: the clock alone is to blame only when the server is the right one.
      expect(await codeOf(() => verify({ ...times, clientNonce: nonce(9) }, at2))).toBe(
        "server_key_mismatch",
      );
      const signer = key("mallory").privateKey;
      expect(await codeOf(() => verify({ ...times, signer }, at2))).toBe("server_key_mismatch");
    }
    expect((await verify({ notBefore: now, notAfter: now + 7 * day })).serverNonce).toEqual(nonce(2));
    expect(await codeOf(() => verify({ notBefore: now, notAfter: now + 7 * day + 1 }))).toBe(
      "server_key_mismatch",
    );
    expect(await codeOf(() => verify({ notBefore: now, notAfter: now }))).toBe("server_key_mismatch");
  });

  test("everything else is a server with another key", async () => {
    const mismatch = "server_key_mismatch";
    expect(await codeOf(() => verify({ signer: key("mallory").privateKey }))).toBe(mismatch);
    expect(await codeOf(() => verify({ clientNonce: nonce(9) }))).toBe(mismatch);
    expect(await codeOf(() => verify({ serverNonce: new Uint8Array(31) }))).toBe(mismatch);
    expect(await codeOf(() => verify({ body: utf8("no certificate") }))).toBe(mismatch);
    const stranger = await by.ed25519Generate();
    const good = await challenge();
    const check = (changes: Partial<Challenge>) =>
      codeOf(() => verifyChallenge(at, serverKey, nonce(1), { ...good, ...changes }, now));
    expect(await check({})).toBe("nothing was thrown");
    expect(await check({ serverNonce: nonce(3) })).toBe(mismatch);
    expect(await check({ signature: flipped(good.signature, 5) })).toBe(mismatch);
    const forged = await by.ed25519Sign(stranger.privateKey, challengeTranscript(nonce(1), nonce(2)));
    expect(await check({ signature: forged })).toBe(mismatch);
    const certificate = good.certificate!;
    expect(await check({ certificate: { ...certificate, body: flipped(certificate.body, 3) } })).toBe(
      mismatch,
    );
    expect(
      await check({ certificate: { ...certificate, signature: flipped(certificate.signature, 3) } }),
    ).toBe(mismatch);
    const { certificate: _, ...bare } = good;
    expect(await codeOf(() => verifyChallenge(at, serverKey, nonce(1), bare as Challenge, now))).toBe(
      mismatch,
    );
  });
});

describe.each(providers)("the server's key on $name", (provider) => {
  test("must have the fingerprint, and be RSA-2048", async () => {
    const fingerprint = await fingerprintOf(provider, server.publicKey);
    const other = key("mallory").publicKey;
    expect(await codeOf(() => verifyServerKey(provider, fingerprint, other))).toBe("server_key_mismatch");
    expect(await codeOf(() => verifyServerKey(provider, fingerprint.subarray(1), other))).toBe(
      "server_key_mismatch",
    );
    const odd = utf8("not a key at all");
    expect(await codeOf(async () => verifyServerKey(provider, await fingerprintOf(provider, odd), odd))).toBe(
      "key_invalid",
    );
  });
});
