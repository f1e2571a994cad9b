/** What guessing, repeating and waiting lead to, with a clock that the test moves. */
import { describe, expect, test } from "vitest";
import { newAccount } from "../support/account.ts";
import {
  codePayload,
  post,
  register,
  requestCode,
  seal,
  sendSealed,
  serverKey,
} from "../support/sealed-client.ts";
import { startTestServer } from "../support/server.ts";

const ann = "+15551230001";
const wide = { burst: 1_000, perHour: 1_000 };
const wrong = (code: string, by = 1): string => String((Number(code) + by) % 1_000_000).padStart(6, "0");

describe("one-time passwords", () => {
  test("expire after ten minutes", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, ann);
    server.clock.nowMs += 600_000;
    expect((await register(server.origin, ann, server.codeFor(ann), newAccount().signed)).code).toBe(
      "code_refused",
    );
  });

  test("are void after five wrong tries", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, ann);
    const code = server.codeFor(ann);
    for (let i = 1; i <= 5; i++) {
      const guess = await register(server.origin, ann, wrong(code, i), newAccount().signed);
      expect(guess.code).toBe("code_refused");
    }
    expect((await register(server.origin, ann, code, newAccount().signed)).code).toBe("code_refused");
    // A new one starts anew.
    await requestCode(server.origin, ann);
    expect((await register(server.origin, ann, server.codeFor(ann), newAccount().signed)).code).toBe("ok");
  });

  test("are limited per identifier: 30 seconds apart, and few a day", async () => {
    const limits = { codesPerIdentifier: { burst: 3, perHour: 1 } };
    const server = await startTestServer({ resendAfterSec: 30, limits });
    expect((await requestCode(server.origin, ann)).code).toBe("ok");
    server.clock.nowMs += 10_000;
    expect(await requestCode(server.origin, ann)).toMatchObject({
      code: "rate_limited",
      retryAfterMs: 20_000,
    });
    // The number as others write it is the same number.
    expect((await requestCode(server.origin, "+1 555 123 0001")).code).toBe("rate_limited");
    expect((await requestCode(server.origin, "ben@example.org")).code).toBe("ok");
    for (let i = 0; i < 2; i++) {
      server.clock.nowMs += 30_000;
      expect((await requestCode(server.origin, ann)).code).toBe("ok");
    }
    server.clock.nowMs += 30_000;
    const refused = await requestCode(server.origin, ann);
    expect(refused.code).toBe("rate_limited");
    expect(refused.retryAfterMs).toBeGreaterThan(3_000_000);
    expect(server.printed.length).toBe(4);
    server.clock.nowMs += refused.retryAfterMs;
    expect((await requestCode(server.origin, ann)).code).toBe("ok");
  });

  test("are limited per address, whoever they are for", async () => {
    const server = await startTestServer({ limits: { codesPerAddress: { burst: 2, perHour: 60 } } });
    expect((await requestCode(server.origin, ann)).code).toBe("ok");
    expect((await requestCode(server.origin, "ben@example.org")).code).toBe("ok");
    expect(await requestCode(server.origin, "cat@example.org")).toMatchObject({
      code: "rate_limited",
      retryAfterMs: 60_000,
    });
  });

  test("cannot be guessed by asking again and again: wrong ones are limited per address", async () => {
    const limits = { wrongCodesPerAddress: { burst: 7, perHour: 1 }, codesPerIdentifier: wide };
    const server = await startTestServer({ limits });
    const codes: string[] = [];
    for (let i = 0; i < 9; i++) {
      await requestCode(server.origin, ann);
      codes.push((await register(server.origin, ann, wrong(server.codeFor(ann)), newAccount().signed)).code);
    }
    expect(codes).toEqual([...Array(7).fill("code_refused"), "rate_limited", "rate_limited"]);
    // Not even the right one, for now.
    const right = await register(server.origin, ann, server.codeFor(ann), newAccount().signed);
    expect(right.code).toBe("rate_limited");
  });
});

test("requests are limited per address before anything is decrypted", async () => {
  const server = await startTestServer({ limits: { requestsPerAddress: { burst: 1, perHour: 60 } } });
  const key = await serverKey(server.origin);
  const request = seal(key, "RequestCode", codePayload(ann));
  expect((await sendSealed(server.origin, "RequestCode", request)).code).toBe("ok");
  const response = await post(server.origin, "RequestCode", request.body);
  expect(response.status).toBe(429);
  expect(((await response.json()) as { code: string }).code).toBe("resource_exhausted");
});

test("an identifier that the server cannot reach is refused at once, existing or not", async () => {
  const server = await startTestServer({ otp: ["smtp://127.0.0.1:1"] });
  const refused = await requestCode(server.origin, ann);
  expect(refused).toMatchObject({
    code: "code_delivery_failed",
    message: "this server sends codes to e-mail addresses only",
  });
  // A mail server that is away holds nobody up; the operator sees it.
  expect((await requestCode(server.origin, "ben@example.org")).code).toBe("ok");
});

test("a file that cannot be written is told, and the code is void", async () => {
  const server = await startTestServer({ otp: ["file:/no/such/folder/codes"] });
  expect((await requestCode(server.origin, ann)).code).toBe("code_delivery_failed");
  expect(server.logged.join("")).toContain('"code":"ENOENT"');
  expect(server.logged.join("")).toContain("code delivery failed");
});
