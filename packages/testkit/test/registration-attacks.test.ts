/**
 * Attacks on registration, against a real server over real HTTP: guessing codes, using them twice or for somebody else,
 * replaying and twisting sealed requests, taking accounts over, learning who has one. After each, an honest person joins.
 */
import { nodeProvider } from "@sotto/crypto/node";
import { LIMITS, toBase64 } from "@sotto/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Person,
  TestServer,
  post,
  prepare,
  problemCode,
  register,
  registerPayload,
  requestCode,
  requestCodePayload,
  submit,
} from "../src/attack.ts";
import { SeededRandom } from "../src/index.ts";

const provider = nodeProvider();
const victim = "+15551230001";
const other = "+15551230002";
let now = Date.now();
let server: TestServer;
let mallory: Person;

beforeEach(async () => {
  now = Date.now();
  server = await TestServer.start(provider, {}, { nowMs: () => now });
  mallory ??= await Person.make(provider, victim, Math.floor(now / 1000));
});

afterEach(async () => {
  // Whatever was tried: an honest person still gets in, and the server met no bug of its own.
  await server.join("ann@example.org");
  await server.close();
});

/** A code that is not the right one. */
const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

describe("one-time passwords", () => {
  test("guessing: after five wrong tries even the right code is dead", async () => {
    expect(await requestCode(provider, server.facts, victim)).toBe("ok");
    const code = server.code(victim);
    for (let i = 0; i < LIMITS.codeTries; i++) {
      expect(await register(provider, server.facts, mallory, wrong(code))).toBe("code_refused");
    }
    expect(await register(provider, server.facts, mallory, code)).toBe("code_refused");
    expect(await requestCode(provider, server.facts, victim)).toBe("ok");
    expect(server.code(victim)).not.toBe(code);
    expect(await register(provider, server.facts, mallory, server.code(victim))).toBe("ok");
  });

  test("guessing with fewer tries than allowed does not hurt the owner", async () => {
    await requestCode(provider, server.facts, victim);
    for (let i = 1; i < LIMITS.codeTries; i++) {
      await register(provider, server.facts, mallory, wrong(server.code(victim)));
    }
    expect(await register(provider, server.facts, mallory, server.code(victim))).toBe("ok");
  });

  test("guessing without a code on its way, or in strange forms: all refused alike", async () => {
    expect(await register(provider, server.facts, mallory, "000000")).toBe("code_refused");
    await requestCode(provider, server.facts, victim);
    const code = server.code(victim);
    for (const odd of [
      "",
      " ",
      code.slice(1),
      `${code}0`,
      `${code} `,
      code.replace(/^./, "٠"),
      "0".repeat(10_000),
    ]) {
      await requestCode(provider, server.facts, victim);
      expect(await register(provider, server.facts, mallory, odd)).toBe("code_refused");
    }
  });

  test("guessing many in parallel gives no more tries than one after the other", async () => {
    await requestCode(provider, server.facts, victim);
    const code = server.code(victim);
    const guesses = Array.from({ length: 40 }, (_, i) =>
      String((Number(code) + 1 + i) % 1_000_000).padStart(6, "0"),
    );
    const answers = await Promise.all(
      [...guesses, code].map((guess) => register(provider, server.facts, mallory, guess)),
    );
    expect(new Set(answers)).toEqual(new Set(["code_refused"]));
  });

  test("an expired code is refused", async () => {
    await requestCode(provider, server.facts, victim);
    now += LIMITS.codeLifetimeSec * 1000;
    expect(await register(provider, server.facts, mallory, server.code(victim))).toBe("code_refused");
  });

  test("an older code is refused once a newer one is on its way", async () => {
    await requestCode(provider, server.facts, victim);
    const first = server.code(victim);
    await requestCode(provider, server.facts, victim);
    expect(server.code(victim)).not.toBe(first);
    expect(await register(provider, server.facts, mallory, first)).toBe("code_refused");
  });

  test("replay: a code makes one account, and then no other", async () => {
    await requestCode(provider, server.facts, victim);
    const code = server.code(victim);
    const owner = await Person.make(provider, victim, Math.floor(now / 1000));
    expect(await register(provider, server.facts, owner, code)).toBe("ok");
    expect(await register(provider, server.facts, mallory, code)).toBe("code_refused");
    // The owner's own request again, because its answer was lost, is answered alike and changes nothing.
    expect(await register(provider, server.facts, owner, code)).toBe("ok");
  });

  test("cross-use: a code for one identifier opens no other", async () => {
    await requestCode(provider, server.facts, victim);
    await requestCode(provider, server.facts, other);
    const theirs = server.code(other);
    expect(theirs).not.toBe(server.code(victim));
    expect(await register(provider, server.facts, mallory, theirs, victim)).toBe("code_refused");
    expect(await register(provider, server.facts, mallory, server.code(victim), victim)).toBe("ok");
  });

  test("an account that exists is never taken over, not even with a right code", async () => {
    const owner = await server.join(victim);
    expect(await requestCode(provider, server.facts, victim)).toBe("ok");
    expect(await register(provider, server.facts, mallory, server.code(victim))).toBe("identifier_taken");
    const signedIn = await server.connect(owner);
    signedIn.close();
  });

  test("asking for a code tells nobody whether an account exists", async () => {
    await server.join(victim);
    const sizes = new Set<number>();
    for (const identifier of [victim, other]) {
      const prepared = await prepare(provider, server.facts, "RequestCode", requestCodePayload(identifier));
      const { status, json } = await post(server.facts.origin, prepared.method, prepared.body);
      expect(status).toBe(200);
      sizes.add((json as { answer: string }).answer.length);
    }
    expect(sizes.size).toBe(1);
  });

  test("a refusal and a success have one length inside the seal", async () => {
    await requestCode(provider, server.facts, victim);
    const sizes = new Set<number>();
    for (const code of [wrong(server.code(victim)), server.code(victim)]) {
      const prepared = await prepare(provider, server.facts, "Register", registerPayload(mallory, code));
      const { json } = await post(server.facts.origin, prepared.method, prepared.body);
      sizes.add((json as { answer: string }).answer.length);
    }
    expect(sizes.size).toBe(1);
  });
});

type Act = (server: TestServer) => Promise<string>;

/** Acts one after the other on a server with such limits; what it answers. */
async function limited(limits: object, acts: readonly Act[]): Promise<string[]> {
  const tight = await TestServer.start(provider, { limits });
  try {
    const answers: string[] = [];
    for (const act of acts) answers.push(await act(tight));
    return answers;
  } finally {
    await tight.close();
  }
}

const strict = { burst: 2, perHour: 0 };
const ask = (...identifiers: readonly string[]): Act[] =>
  identifiers.map((identifier) => (on) => requestCode(provider, on.facts, identifier));

const guess: Act = (on) => register(provider, on.facts, mallory, "123456");

describe("limits of registration", () => {
  test("codes for one identifier, from one address, and wrong guesses are all limited", async () => {
    expect(await limited({ codesPerIdentifier: strict }, ask(victim, victim, victim, other))).toEqual([
      "ok",
      "ok",
      "rate_limited",
      "ok",
    ]);
    expect(await limited({ codesPerAddress: strict }, ask(victim, other, "ann@example.org"))).toEqual([
      "ok",
      "ok",
      "rate_limited",
    ]);
    expect(await limited({ wrongCodesPerAddress: strict }, [guess, guess, guess, guess])).toEqual([
      "code_refused",
      "code_refused",
      "rate_limited",
      "rate_limited",
    ]);
  });
});

describe("sealed requests", () => {
  test("replayed: RequestCode sends no second code, and the answer stays readable to its asker only", async () => {
    const prepared = await prepare(provider, server.facts, "RequestCode", requestCodePayload(victim));
    expect(await submit(server.facts, prepared)).toBeInstanceOf(Uint8Array);
    const code = server.code(victim);
    for (let i = 0; i < 3; i++) expect(await submit(server.facts, prepared)).toBeInstanceOf(Uint8Array);
    expect(server.code(victim)).toBe(code);
  });

  test("replayed: Register with a used code, once its holder's account stands, changes nothing", async () => {
    await requestCode(provider, server.facts, victim);
    const owner = await Person.make(provider, victim, Math.floor(now / 1000));
    const prepared = await prepare(
      provider,
      server.facts,
      "Register",
      registerPayload(owner, server.code(victim)),
    );
    expect(await submit(server.facts, prepared)).toBeInstanceOf(Uint8Array);
    await submit(server.facts, prepared);
    now += LIMITS.codeLifetimeSec * 1000;
    expect(await submit(server.facts, prepared)).toBe("code_refused");
    (await server.connect(owner)).close();
  });

  test("moved to another method: does not open", async () => {
    const { body } = await prepare(provider, server.facts, "RequestCode", requestCodePayload(victim));
    const { status, json } = await post(server.facts.origin, "Register", body);
    expect(status).toBe(400);
    expect(problemCode(json)).toBe("unsealing_failed");
  });

  test("altered in any byte: does not open, and every failure looks the same", async () => {
    const { request } = await prepare(provider, server.facts, "RequestCode", requestCodePayload(victim));
    const { wrappedSecret, ciphertext } = request.sealed;
    const whole = Uint8Array.of(...wrappedSecret, ...ciphertext);
    const answers = new Set<string>();
    for (let at = 0; at < whole.length; at += 3) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const sealed = {
        wrappedSecret: toBase64(changed.subarray(0, wrappedSecret.length)),
        ciphertext: toBase64(changed.subarray(wrappedSecret.length)),
      };
      const { status, json } = await post(server.facts.origin, "RequestCode", JSON.stringify({ sealed }));
      answers.add(JSON.stringify([status, json]));
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain("unsealing_failed");
    expect(server.code(victim)).toBe("");
  });

  test("fuzzed bodies: every one is answered with an error, none with a failure of the server", async () => {
    const random = new SeededRandom(0xb0d1e5);
    const { body } = await prepare(provider, server.facts, "RequestCode", requestCodePayload(victim));
    const statuses: Record<number, number> = {};
    const bodies = Array.from({ length: 1_000 }, () => {
      switch (random.integer(5)) {
        case 0:
          return body.slice(0, random.integer(body.length));
        case 1:
          return `${"[".repeat(random.integer(60_000))}`;
        case 2:
          return `${'{"sealed":'.repeat(random.integer(5_000))}`;
        case 3:
          return Buffer.from(random.bytes(random.integer(300))).toString("latin1");
        default:
          return JSON.stringify({
            sealed: { wrappedSecret: random.integer(9), [`x${random.integer(9)}`]: body },
          });
      }
    });
    for (const content of bodies) {
      const { status } = await post(server.facts.origin, "RequestCode", content);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(Object.keys(statuses)).toEqual(["400"]);
  });

  test("oversized bodies are refused before they are read whole", async () => {
    const body = JSON.stringify({ sealed: { ciphertext: "A".repeat(2 * LIMITS.maxRequestBytes) } });
    const { status } = await post(server.facts.origin, "RequestCode", body);
    expect([400, 413, 429]).toContain(status);
  });
});
