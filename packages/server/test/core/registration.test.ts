/** What registration does must not depend on whether an account exists, until the right code was shown. */
import { describe, expect, onTestFinished, test } from "vitest";
import { SottoError, utf8 } from "@sotto/protocol";
import { MemoryTransient } from "../../src/adapters/memory-transient.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { checkConfig } from "../../src/config.ts";
import type { ServerCrypto } from "../../src/core/crypto.ts";
import type { FrontEvents } from "../../src/core/events.ts";
import type { OtpSender } from "../../src/core/otp-sender.ts";
import { Registration } from "../../src/core/registration.ts";
import type { Store } from "../../src/core/store.ts";
import { newAccount } from "../support/account.ts";

const broken = (): Promise<void> => {
  throw new Error("broken");
};
const ann = "+15551230001";
const ben = "+15551230002";

/** Notes each call of each method. */
function recorded<T extends object>(target: T, name: string, calls: string[]): T {
  return new Proxy(target, {
    get(object, key) {
      const value = object[key as keyof T];
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push(`${name}.${String(key)}`);
        return (value as (...args: unknown[]) => unknown).apply(object, args);
      };
    },
  });
}

function setUp(sender: Partial<OtpSender> = {}, maxAccounts?: number) {
  const calls: string[] = [];
  const codes = new Map<string, string>();
  const failures: unknown[] = [];
  const store = openSqliteStore({ path: ":memory:", nowSec: 1 });
  onTestFinished(() => store.close());
  const events = { codeDeliveryFailed: (_: string, error: unknown) => void failures.push(error) };
  const registration = new Registration({
    store: recorded<Store>(store, "store", calls),
    transient: new MemoryTransient(() => 1_000),
    crypto: recorded<ServerCrypto>(nodeCrypto, "crypto", calls),
    codeKey: new Uint8Array(32),
    senders: [
      {
        channel: "test",
        kinds: ["phone"],
        immediate: true,
        send: async (identifier, code) => void codes.set(identifier, code),
        close() {},
        ...sender,
      },
    ],
    events: new Proxy(events, {
      get: (target, key) => target[key as keyof typeof target] ?? (() => {}),
    }) as unknown as FrontEvents,
    hashIdentifier: (identifier) => nodeCrypto.sha256(utf8(identifier)),
    nowMs: () => 1_000,
    limits: { ...checkConfig({}).limits, resendAfterSec: 0 },
    maxAccounts,
  });
  let request = 0;
  return {
    registration,
    codes,
    failures,
    ask: (identifier: string) => registration.requestCode(identifier, "192.0.2.1", Uint8Array.of(request++)),
    tell: (identifier: string, code: string, account = newAccount(1)) =>
      registration.register(identifier, code, account.signed, "192.0.2.1"),
    /** What an action calls, in order. */
    work: async (action: () => Promise<unknown>): Promise<string[]> => {
      calls.length = 0;
      await action().catch(() => {});
      return [...calls];
    },
  };
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
  return "ok";
}

describe("the same work whether or not an account exists", () => {
  test("asking for a code, and showing a wrong one", async () => {
    const { ask, tell, codes, work } = setUp({}, 10);
    await ask(ann);
    await tell(ann, codes.get(ann)!);
    const asking = await work(() => ask(ann));
    expect(await work(() => ask(ben))).toEqual(asking);
    expect(asking).toContain("crypto.hmacSha256");
    expect(asking.filter((call) => call.startsWith("store."))).toEqual(["store.countAccounts"]);
    const guessing = await work(() => tell(ann, "x"));
    expect(await work(() => tell(ben, "x"))).toEqual(guessing);
    // Nobody asked for this one.
    expect(await work(() => tell("+15551230003", "x"))).toEqual(guessing);
    expect(guessing.filter((call) => call.startsWith("store."))).toEqual(["store.countAccounts"]);
  });
});

describe("delivery", () => {
  test("that takes its time holds nobody up, and a failure is told to the operator alone", async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    const { ask, registration, failures } = setUp({ immediate: false, send: () => promise });
    expect(await codeOf(ask(ann))).toBe("ok");
    let idle = false;
    const waiting = registration.idle().then(() => (idle = true));
    expect(idle).toBe(false);
    reject(new Error("no route"));
    await waiting;
    expect(failures).toEqual([new Error("no route")]);
  });

  test("that throws at once is a failure like any other", async () => {
    const { ask, failures } = setUp({ send: broken });
    expect(await codeOf(ask(ann))).toBe("code_delivery_failed");
    expect(failures.length).toBe(1);
  });

  test("is bounded: a gateway that hangs does not fill the memory", async () => {
    const { registration } = setUp({ immediate: false, send: () => new Promise(() => {}) });
    const codes: string[] = [];
    for (let i = 0; i <= 1_000; i++) {
      const person = `+1555124${String(i).padStart(4, "0")}`;
      const address = `192.0.2.${i % 250}`;
      codes.push(await codeOf(registration.requestCode(person, address, Uint8Array.of(i >> 8, i & 255))));
    }
    expect(codes.slice(0, 1_000).every((code) => code === "ok")).toBe(true);
    expect(codes.at(-1)).toBe("unavailable");
  });

  test("chooses the way that serves the kind of identifier", async () => {
    const { ask } = setUp();
    expect(await codeOf(ask("ann@example.org"))).toBe("code_delivery_failed");
    expect(await codeOf(ask(ann))).toBe("ok");
  });
});
