/** Registration over real HTTP, as a client in any language would do it. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromBinary } from "@bufbuild/protobuf";
import { ProblemSchema } from "@sotto/protocol";
import { newAccount, nextList } from "../support/account.ts";
import {
  codePayload,
  codeResult,
  post,
  register,
  registerPayload,
  registerResult,
  requestCode,
  seal,
  sendSealed,
  serverKey,
} from "../support/sealed-client.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const ann = "+15551230001";
const ben = "ben@example.org";

/** Asks for a code and registers with it. */
async function join(server: TestServer, identifier: string, account = newAccount()): Promise<string> {
  await requestCode(server.origin, identifier);
  return (await register(server.origin, identifier, server.codeFor(identifier), account.signed)).code;
}

/** Another code than the right one. */
const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

/** Code of the Connect error, and of the Problem in its details. */
async function refusal(response: Response): Promise<string[]> {
  const error = (await response.json()) as { code: string; details?: { value: string }[] };
  const value = error.details?.[0]?.value;
  return [error.code, value ? fromBinary(ProblemSchema, Buffer.from(value, "base64")).code : ""];
}

describe("GetServer", () => {
  test("answers JSON to a plain POST", async () => {
    const server = await startTestServer({ maxUsers: 1, classic: false });
    const response = await post(server.origin, "GetServer", {});
    expect(response.headers.get("content-type")).toContain("application/json");
    const facts = (await response.json()) as Record<string, unknown>;
    expect(facts).toMatchObject({ version: "0.1.0", protocolVersion: 1, registrationOpen: true });
    expect(facts["serverTimeMs"]).toBe(String(server.clock.nowMs));
    // proto3's JSON leaves out what is false.
    expect(facts["classicAllowed"]).toBe(undefined);
    const spki = Buffer.from(String(facts["publicKey"]), "base64");
    expect(createHash("sha256").update(spki).digest("base64url")).toBe(server.fingerprint);

    expect(await join(server, ann)).toBe("ok");
    const later = (await (await post(server.origin, "GetServer", {})).json()) as Record<string, unknown>;
    expect(later["registrationOpen"]).toBe(undefined);
  });
});

describe("registration", () => {
  test("a phone number and an e-mail address register, normalised", async () => {
    const server = await startTestServer();
    const asked = await requestCode(server.origin, " +1 (555) 123-0001");
    expect(codeResult(asked.value)).toMatchObject({ expiresInSec: 600, resendAfterSec: 0 });
    expect(server.printed).toEqual([expect.stringMatching(/^OTP for \+15551230001: \d{6}$/)]);
    const done = await register(server.origin, ann, server.codeFor(ann), newAccount().signed);
    expect(done.code).toBe("ok");
    expect(registerResult(done.value).serverTimeMs).toBe(BigInt(server.clock.nowMs));
    expect(await join(server, ben)).toBe("ok");
  });

  test("an identifier that exists is never taken over, and looks the same until the code is right", async () => {
    const server = await startTestServer();
    expect(await join(server, ann)).toBe("ok");
    const forExisting = await requestCode(server.origin, ann);
    const forNew = await requestCode(server.origin, ben);
    expect(forExisting).toEqual(forNew);
    const wrongForExisting = await register(
      server.origin,
      ann,
      wrong(server.codeFor(ann)),
      newAccount().signed,
    );
    const wrongForNew = await register(server.origin, ben, wrong(server.codeFor(ben)), newAccount().signed);
    expect(wrongForExisting).toEqual(wrongForNew);
    expect(wrongForNew.code).toBe("code_refused");
    const taken = await register(server.origin, ann, server.codeFor(ann), newAccount().signed);
    expect(taken.code).toBe("identifier_taken");
    expect(taken.answerBytes).toBe(forNew.answerBytes);
  });

  test("every answer has the same length, whatever it says", async () => {
    const server = await startTestServer({ maxUsers: 1 });
    const lengths = [
      (await requestCode(server.origin, "nonsense")).answerBytes,
      (await requestCode(server.origin, ann)).answerBytes,
      (await register(server.origin, ann, "000", newAccount().signed)).answerBytes,
      (await register(server.origin, ann, server.codeFor(ann), newAccount().signed)).answerBytes,
      (await requestCode(server.origin, ben)).answerBytes,
    ];
    expect(new Set(lengths)).toEqual(new Set([32 + 256 + 16]));
  });

  test("a right code is used once; the same request again is answered alike", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, ann);
    const code = server.codeFor(ann);
    const account = newAccount();
    const request = seal(
      await serverKey(server.origin),
      "Register",
      registerPayload(ann, code, account.signed),
    );
    expect((await sendSealed(server.origin, "Register", request)).code).toBe("ok");
    expect((await sendSealed(server.origin, "Register", request)).code).toBe("ok");
    expect((await register(server.origin, ann, code, account.signed)).code).toBe("ok");
    expect((await register(server.origin, ann, code, newAccount().signed)).code).toBe("code_refused");
    // Back with a code of its own, the same list is that of an account which exists.
    await requestCode(server.origin, ann);
    const again = await register(server.origin, ann, server.codeFor(ann), account.signed);
    expect(again.code).toBe("identifier_taken");
  });

  test("a replayed request for a code sends nothing and spoils nothing", async () => {
    const server = await startTestServer();
    const request = seal(await serverKey(server.origin), "RequestCode", codePayload(ann));
    const first = await sendSealed(server.origin, "RequestCode", request);
    expect(await sendSealed(server.origin, "RequestCode", request)).toEqual(first);
    expect(server.printed.length).toBe(1);
    expect((await register(server.origin, ann, server.codeFor(ann), newAccount().signed)).code).toBe("ok");
  });

  test("a code opens its own identifier only", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, ann);
    await requestCode(server.origin, ben);
    const refused = await register(server.origin, ben, server.codeFor(ann), newAccount().signed);
    // One in a million: both codes are equal.
    expect(server.codeFor(ann) === server.codeFor(ben) || refused.code === "code_refused").toBe(true);
  });

  test("a wrong list costs no code", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, ann);
    const account = newAccount();
    const forged = { ...account.signed, signature: newAccount().signed.signature };
    expect((await register(server.origin, ann, server.codeFor(ann), forged)).code).toBe(
      "device_list_invalid",
    );
    const second = nextList(account).signed;
    expect((await register(server.origin, ann, server.codeFor(ann), second)).code).toBe(
      "device_list_invalid",
    );
    expect((await register(server.origin, ann, server.codeFor(ann), account.signed)).code).toBe("ok");
  });

  test("--max-users refuses the next account in plain words, in a race as well", async () => {
    const server = await startTestServer({ maxUsers: 2 });
    const people = Array.from({ length: 6 }, (_, i) => `+1555123100${i}`);
    for (const person of people) await requestCode(server.origin, person);
    const results = await Promise.all(
      people.map((person) => register(server.origin, person, server.codeFor(person), newAccount().signed)),
    );
    expect(results.map(({ code }) => code).sort()).toEqual(["ok", "ok", ...Array(4).fill("server_full")]);
    const late = await requestCode(server.origin, "+15551239999");
    expect(late).toMatchObject({ code: "server_full", message: "this server takes no more accounts" });
    const codeless = await register(server.origin, "+15551239999", "000000", newAccount().signed);
    expect(codeless.code).toBe("server_full");
  });

  test("an id that is taken is refused", async () => {
    const server = await startTestServer();
    const account = newAccount();
    expect(await join(server, ann, account)).toBe("ok");
    expect(await join(server, ben, account)).toBe("log_exists");
  });
});

describe("what is not sealed as it should be", () => {
  test("another key, another method, changed bytes: one refusal", async () => {
    const server = await startTestServer();
    const key = await serverKey(server.origin);
    const other = await serverKey((await startTestServer()).origin);
    const changed = seal(key, "RequestCode", codePayload(ann)).body;
    changed.sealed.ciphertext = `AAAA${changed.sealed.ciphertext.slice(4)}`;
    for (const body of [
      seal(other, "RequestCode", codePayload(ann)).body,
      seal(key, "Register", codePayload(ann)).body,
      changed,
    ]) {
      const response = await post(server.origin, "RequestCode", body);
      expect(response.status).toBe(400);
      expect(await refusal(response)).toEqual(["invalid_argument", "unsealing_failed"]);
    }
    expect(server.printed).toEqual([]);
  });

  test("nothing, too little, too much and no JSON", async () => {
    const server = await startTestServer();
    for (const body of [{}, { sealed: { wrappedSecret: "AAAA", ciphertext: "" } }]) {
      const response = await post(server.origin, "RequestCode", body);
      expect(await refusal(response)).toEqual(["invalid_argument", "malformed"]);
    }
    const big = await post(server.origin, "RequestCode", { sealed: { ciphertext: "A".repeat(200_000) } });
    expect(big.status).toBeGreaterThanOrEqual(400);
    const url = `${server.origin}/sotto.v1.RegistrationService/RequestCode`;
    const headers = { "content-type": "application/json" };
    expect((await fetch(url, { method: "POST", headers, body: "{" })).status).toBe(400);
    expect((await fetch(url)).status).toBeGreaterThanOrEqual(400);
    // Binary bodies, which a generated client sends.
    const binary = (body: Uint8Array) =>
      fetch(url, {
        method: "POST",
        headers: { "content-type": "application/proto" },
        body: Buffer.from(body),
      });
    const deep = new Uint8Array(60_000).fill(8);
    for (const body of [Uint8Array.of(10, 255), Uint8Array.of(10, 5, 1), new Uint8Array(0), deep]) {
      const response = await binary(body);
      expect(response.status).toBe(400);
      expect(await refusal(response)).toEqual(["invalid_argument", "malformed"]);
    }
    expect((await binary(new Uint8Array(200_000))).status).toBe(413);
    // What opens but is no payload is refused inside the seal.
    const garbage = seal(await serverKey(server.origin), "RequestCode", new Uint8Array(9).fill(255));
    expect((await sendSealed(server.origin, "RequestCode", garbage)).code).toBe("malformed");
  });
});

test("no log line names anybody", async () => {
  const server = await startTestServer();
  const account = newAccount();
  await join(server, ann, account);
  await join(server, ben, account);
  await register(server.origin, ann, "000000", newAccount().signed);
  const log = server.logged.join("");
  expect(log).toContain("account created");
  for (const secret of ["1555", "ben@", "127.0.0.1", "000000", server.codeFor(ann), server.codeFor(ben)]) {
    expect(log).not.toContain(secret);
  }
  expect(log).not.toContain(Buffer.from(account.list.accountId).toString("hex"));
});
