/** Sealed requests and answers, with the server's side written out from the protocol. */
import { create, toBinary } from "@bufbuild/protobuf";
import { type Answer, AnswerSchema, ProblemSchema, RefusedError, concatBytes, utf8 } from "@sotto/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { type SealedMethod, type SealedRequest, sealRequest } from "../src/registration.ts";
import { type ServerKey, fingerprintOf, verifyServerKey } from "../src/server-trust.ts";
import { codeOf, flipped } from "./support/bytes.ts";
import { pairs } from "./support/providers.ts";
import { key } from "./support/vectors.ts";

const server = key("ben-current");
const none = new Uint8Array();
const salt = new Uint8Array(32).fill(5);
const zeros = new Uint8Array(12);
const payload = utf8("+15551230001");

describe.each(pairs)("a client on $by.name, a server on $at.name", ({ by, at }) => {
  let serverKey: ServerKey;
  beforeAll(async () => {
    serverKey = await verifyServerKey(by, await fingerprintOf(by, server.publicKey), server.publicKey);
  });

  /** What the server's side does. */
  async function keysOf(request: SealedRequest) {
    const secret = await at.rsaOaepOpen(server.privateKey, request.sealed.wrappedSecret);
    expect(secret.length).toBe(32);
    return {
      request: await at.hkdfSha256(secret, none, utf8("sotto/registration/request/v1"), 32),
      response: await at.hkdfSha256(secret, salt, utf8("sotto/registration/response/v1"), 32),
    };
  }

  async function answerTo(
    request: SealedRequest,
    outcome: Answer["outcome"],
    method: SealedMethod = "Register",
  ) {
    const { response } = await keysOf(request);
    const answer = toBinary(AnswerSchema, create(AnswerSchema, { outcome, padding: new Uint8Array(99) }));
    return concatBytes(salt, await at.aesGcmSeal(response, zeros, answer, utf8(method)));
  }

  test("the server reads the request, and nobody else", async () => {
    const request = await sealRequest(by, serverKey, "RequestCode", payload);
    expect(request.sealed.wrappedSecret.length).toBe(256);
    const keys = await keysOf(request);
    const { ciphertext } = request.sealed;
    expect(await at.aesGcmOpen(keys.request, zeros, ciphertext, utf8("RequestCode"))).toEqual(payload);
    const asOther = () => at.aesGcmOpen(keys.request, zeros, ciphertext, utf8("Register"));
    expect(await codeOf(asOther)).toBe("decryption_failed");
    const stranger = () => at.rsaOaepOpen(key("mallory").privateKey, request.sealed.wrappedSecret);
    expect(await codeOf(stranger)).toBe("decryption_failed");
  });

  test("the answer is read, and no altered one", async () => {
    const request = await sealRequest(by, serverKey, "Register", payload);
    const answer = await answerTo(request, { case: "ok", value: utf8("result") });
    expect(await request.openAnswer(answer)).toEqual(utf8("result"));
    for (const index of [0, 50, -1]) {
      expect(await codeOf(() => request.openAnswer(flipped(answer, index)))).toBe("server_key_mismatch");
    }
    expect(await codeOf(() => request.openAnswer(none))).toBe("server_key_mismatch");
    const other = await sealRequest(by, serverKey, "Register", payload);
    expect(await codeOf(() => other.openAnswer(answer))).toBe("server_key_mismatch");
    const ofOther = await answerTo(request, { case: "ok", value: none }, "RequestCode");
    expect(await codeOf(() => request.openAnswer(ofOther))).toBe("server_key_mismatch");
    // The server's words sent back to it are no answer.
    expect(await codeOf(() => request.openAnswer(request.sealed.ciphertext))).toBe("server_key_mismatch");
  });

  test("a problem is thrown with its code and hints", async () => {
    const request = await sealRequest(by, serverKey, "Register", payload);
    const problem = create(ProblemSchema, {
      code: "rate_limited",
      message: "too many",
      retryAfterMs: 5_000n,
    });
    const error: unknown = await request
      .openAnswer(await answerTo(request, { case: "problem", value: problem }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: "rate_limited", message: "too many", retryAfterMs: 5_000 });
  });

  test.each(["no_such_code", "", "__proto__", "toString"])(
    "the unknown code %j becomes internal",
    async (code) => {
      const request = await sealRequest(by, serverKey, "Register", payload);
      const problem = create(ProblemSchema, { code, message: "\u001b[31mbelieve me" });
      const error: unknown = await request
        .openAnswer(await answerTo(request, { case: "problem", value: problem }))
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "internal" });
      expect((error as Error).message).not.toContain("believe");
    },
  );

  test("an answer without an outcome, or none at all, is refused", async () => {
    const request = await sealRequest(by, serverKey, "Register", payload);
    const empty = await answerTo(request, { case: undefined });
    expect(await codeOf(() => request.openAnswer(empty))).toBe("internal");
    const { response } = await keysOf(request);
    const sealed = await at.aesGcmSeal(response, zeros, utf8("no protobuf"), utf8("Register"));
    const junk = concatBytes(salt, sealed);
    expect(await codeOf(() => request.openAnswer(junk))).toBe("malformed");
  });
});
