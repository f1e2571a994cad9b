import { createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AnswerSchema, ProblemSchema, type Answer } from "@sotto/protocol";
import { openSealed, sealAnswer } from "../../src/adapters/sealing.ts";
import { ServerKey, generatePrivateKeyPem } from "../../src/adapters/server-key.ts";
import { seal } from "../support/sealed-client.ts";

const flip = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));

test("answers of every length are padded to whole blocks, and open to what was sealed", () => {
  const secret = randomBytes(32);
  for (let length = 0; length < 1_100; length++) {
    const outcome: Answer["outcome"] = { case: "ok", value: new Uint8Array(length).fill(7) };
    const answer = sealAnswer(secret, "Register", outcome);
    const salt = answer.subarray(0, 32);
    const sealed = answer.subarray(32);
    const key = new Uint8Array(hkdfSync("sha256", secret, salt, "sotto/registration/response/v1", 32));
    expect((sealed.length - 16) % 256).toBe(0);
    // One field of padding costs 2 or 3 bytes: at most one block more than needed.
    expect(sealed.length - 16).toBeLessThanOrEqual(Math.ceil((length + 6) / 256) * 256 + 256);
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(12));
    decipher.setAAD(Buffer.from("Register"));
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    expect(fromBinary(AnswerSchema, new Uint8Array(plain)).outcome).toEqual(outcome);
  }
});

test("a problem as long as we write them fills one block, like a success", () => {
  const value = create(ProblemSchema, {
    code: "code_delivery_failed",
    message: "m".repeat(150),
    retryAfterMs: 2n ** 53n,
  });
  expect(sealAnswer(randomBytes(32), "Register", { case: "problem", value }).length).toBe(32 + 256 + 16);
  expect(sealAnswer(randomBytes(32), "Register", { case: "ok", value: new Uint8Array() }).length).toBe(
    32 + 256 + 16,
  );
});

test("every changed byte of a sealed request is refused alike", async () => {
  const key = await ServerKey.fromPem(await generatePrivateKeyPem());
  const { body, secret } = seal(key.publicKey, "Register", Uint8Array.of(1, 2, 3));
  const wrappedSecret = new Uint8Array(Buffer.from(body.sealed.wrappedSecret, "base64"));
  const ciphertext = new Uint8Array(Buffer.from(body.sealed.ciphertext, "base64"));
  const open = (wrapped: Uint8Array, text: Uint8Array) =>
    openSealed(key, "Register", { $typeName: "sotto.v1.Sealed", wrappedSecret: wrapped, ciphertext: text });
  expect(await open(wrappedSecret, ciphertext)).toEqual({
    payload: Uint8Array.of(1, 2, 3),
    secret: new Uint8Array(secret),
  });
  const refused = { code: "unsealing_failed", message: "the request was not sealed to this server's key" };
  for (let index = 0; index < ciphertext.length; index++) {
    await expect(open(wrappedSecret, flip(ciphertext, index))).rejects.toMatchObject(refused);
  }
  for (let index = 0; index < wrappedSecret.length; index += 17) {
    await expect(open(flip(wrappedSecret, index), ciphertext)).rejects.toMatchObject(refused);
  }
  // Sealed for another method.
  const other = seal(key.publicKey, "Register", new Uint8Array());
  await expect(
    openSealed(key, "RequestCode", {
      $typeName: "sotto.v1.Sealed",
      wrappedSecret: new Uint8Array(Buffer.from(other.body.sealed.wrappedSecret, "base64")),
      ciphertext: new Uint8Array(Buffer.from(other.body.sealed.ciphertext, "base64")),
    }),
  ).rejects.toMatchObject(refused);
});

test("a request that is sent twice gets answers under two keys", () => {
  const secret = randomBytes(32);
  const value = new Uint8Array(8);
  const [one, other] = [1, 2].map(() => sealAnswer(secret, "Register", { case: "ok", value }));
  const same = one?.filter((byte, at) => byte === other?.[at]).length ?? 304;
  // By chance one byte in 256 is equal; under one key and nonce nearly all are.
  expect(same).toBeLessThan(30);
});
