/** Messages from one provider to the other: whatever goes in comes out, and whatever is altered is refused. */
import { LIMITS, equalBytes, toHex, utf8 } from "@sotto/protocol";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  MAX_CLASSIC_MESSAGE_BYTES,
  formatClassicAddress,
  parseClassicAddress,
  parseClassicMessage,
} from "../../src/classic/format.ts";
import {
  type ClassicPlaintext,
  encodeClassicPlaintext,
  parseClassicPlaintext,
} from "../../src/classic/plaintext.ts";
import { type ProtectClassicInput, protectClassic } from "../../src/classic/protect.ts";
import { type UnprotectClassicInput, unprotectClassic } from "../../src/classic/unprotect.ts";
import type { VerifiedDeviceList } from "../../src/device-list.ts";
import type { CryptoProvider } from "../../src/provider.ts";
import { codeOf, flipped } from "../support/bytes.ts";
import { idOf, vectorList } from "../support/people.ts";
import { pairs, providers } from "../support/providers.ts";
import { key, vectors } from "../support/vectors.ts";

const sender = parseClassicAddress(vectors.sender_devices[0]!.address)!;
const self = parseClassicAddress(vectors.self)!;
const hello = encodeClassicPlaintext({ type: "text", body: "Hello" });

const protect = (provider: CryptoProvider, changes: Partial<ProtectClassicInput> = {}) =>
  protectClassic(provider, {
    sender,
    recipient: self,
    recipientKey: key("ben-current").publicKey,
    senderPrivateKey: key("ann-current").privateKey,
    timestampSec: vectors.now,
    plaintext: hello,
    ...changes,
  });

const unprotect = (
  provider: CryptoProvider,
  senderList: VerifiedDeviceList | undefined,
  json: Uint8Array,
  changes: Partial<UnprotectClassicInput> = {},
) =>
  unprotectClassic(provider, {
    message: parseClassicMessage(json),
    self,
    privateKeys: [key("ben-current").privateKey],
    senderList,
    nowSec: vectors.now,
    ...changes,
  });

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const numbered = fc.record(
  { from: fc.string({ minLength: 1, maxLength: 60 }), n: fc.integer({ min: 1 }) },
  { requiredKeys: [] },
);
const plaintexts: fc.Arbitrary<ClassicPlaintext> = fc.oneof(
  fc.tuple(fc.string({ unit: "grapheme" }), fc.option(hash), numbered).map(([body, id, rest]) => ({
    type: "text" as const,
    body,
    ...(id && { id: toHex(id.subarray(16)) }),
    ...rest,
  })),
  fc
    .tuple(
      fc.constantFrom("delivered" as const, "read" as const),
      fc.array(hash, { minLength: 1, maxLength: 9 }),
      numbered,
    )
    .map(([status, of, rest]) => ({ type: "receipt" as const, status, of, ...rest })),
  fc.string({ minLength: 1, maxLength: 60 }).map((from) => ({ type: "typing" as const, from })),
);

describe.each(pairs)("from $by.name to $at.name", ({ by, at }) => {
  let list: VerifiedDeviceList;
  beforeAll(async () => {
    list = await vectorList(at);
  });

  test("what goes in comes out", async () => {
    const holds = fc.asyncProperty(plaintexts, async (plaintext) => {
      const made = await protect(by, { plaintext: encodeClassicPlaintext(plaintext) });
      const opened = await unprotect(at, list, utf8(made.json));
      expect(parseClassicPlaintext(opened.plaintext)).toEqual(plaintext);
      expect(opened.hash).toEqual(made.hash);
      expect([opened.sender, opened.recipient, opened.timestampSec]).toEqual([sender, self, vectors.now]);
    });
    await fc.assert(holds, { seed: 7, numRuns: 40 });
  });

  test("no byte can be altered", async () => {
    const json = utf8((await protect(by)).json);
    const holds = fc.asyncProperty(fc.nat(json.length - 1), fc.nat(7), async (index, bit) => {
      const code = await codeOf(() => unprotect(at, list, flipped(json, index, bit)));
      expect(code).toMatch(
        /^(?:message_refused|message_not_for_us|device_unknown|signature_invalid|internal)$/,
      );
    });
    await fc.assert(holds, { seed: 8, numRuns: 400 });
  });
});

describe.each(providers)("taking in on $name", (provider) => {
  let list: VerifiedDeviceList;
  let json: Uint8Array;
  beforeAll(async () => {
    list = await vectorList(provider);
    json = utf8((await protect(provider)).json);
  });

  /** The code with which our message is refused under these circumstances. */
  const refusal = (changes: Partial<UnprotectClassicInput>) =>
    codeOf(() => unprotect(provider, list, json, changes));
  const at = (nowSec: number) => refusal({ nowSec, maxAgeSec: 10, maxClockSkewSec: 5 });
  const offered = (...names: readonly string[]) =>
    refusal({ privateKeys: names.map((name) => key(name).privateKey) });

  test("nothing is decrypted, and nobody asked about replays, before the signature holds", async () => {
    const calls: string[] = [];
    const watched: CryptoProvider = {
      ...provider,
      rsaOaepOpen: (...args) => (calls.push("open"), provider.rsaOaepOpen(...args)),
      aesCfbDecrypt: (...args) => (calls.push("decrypt"), provider.aesCfbDecrypt(...args)),
      rsaPssVerify: (...args) => (calls.push("verify"), provider.rsaPssVerify(...args)),
    };
    const alreadySeen = (): boolean => (calls.push("seen"), false);
    const forged = utf8((await protect(provider, { senderPrivateKey: key("mallory").privateKey })).json);
    expect(await codeOf(() => unprotect(watched, list, forged, { alreadySeen }))).toBe("signature_invalid");
    expect(calls).toEqual(["verify", "verify", "verify"]);
    calls.length = 0;
    await unprotect(watched, list, json, { alreadySeen });
    expect(calls).toEqual(["verify", "seen", "open", "decrypt"]);
  });

  test("a message seen before is refused by the hash of its signature", async () => {
    const seen = new Set<string>();
    const alreadySeen = async (of: Uint8Array): Promise<boolean> => {
      const before = seen.has(toHex(of));
      seen.add(toHex(of));
      return before;
    };
    expect(await codeOf(() => unprotect(provider, list, json, { alreadySeen }))).toBe("nothing was thrown");
    expect(await codeOf(() => unprotect(provider, list, json, { alreadySeen }))).toBe("message_replayed");
  });

  test("times are bounded as the caller says", async () => {
    expect(await at(vectors.now + 10)).toBe("nothing was thrown");
    expect(await at(vectors.now + 11)).toBe("message_stale");
    expect(await at(vectors.now - 5)).toBe("nothing was thrown");
    expect(await at(vectors.now - 6)).toBe("message_from_future");
  });

  test("without a list, or with somebody else's, nothing is believed", async () => {
    expect(await codeOf(() => unprotect(provider, undefined, json))).toBe("device_unknown");
    const other = utf8(
      (await protect(provider, { sender: { account: idOf(9), device: sender.device } })).json,
    );
    expect(await codeOf(() => unprotect(provider, list, other))).toBe("internal");
  });

  test("every key offered is tried, and none is the same as a wrong one", async () => {
    expect(await offered("ben-retired", "ben-revoked", "ben-current")).toBe("nothing was thrown");
    expect(await offered("ben-retired")).toBe("decryption_failed");
    expect(await offered()).toBe("decryption_failed");
  });
});

describe.each(providers)("making on $name", (provider) => {
  test("nothing repeats: key, IV, salt", async () => {
    const [one, two] = [await protect(provider), await protect(provider)].map(({ json }) =>
      parseClassicMessage(utf8(json)),
    );
    for (const field of ["iv", "ciphertext", "encryptedKey", "signature"] as const) {
      expect(equalBytes(one![field], two![field])).toBe(false);
    }
  });

  test("the six members in their order, and nothing of the plaintext", async () => {
    const { json } = await protect(provider);
    const names = [
      "sender_id",
      "recipient_id",
      "encrypted_content",
      "encrypted_aes_key",
      "signature",
      "timestamp",
    ];
    expect(Object.keys(JSON.parse(json) as object)).toEqual(names);
    expect(json).not.toContain("Hello");
  });

  test("refuses what its reader would refuse", async () => {
    for (const timestampSec of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(await codeOf(() => protect(provider, { timestampSec }))).toBe("usage");
    }
    const tooLarge = new Uint8Array(MAX_CLASSIC_MESSAGE_BYTES);
    expect(await codeOf(() => protect(provider, { plaintext: tooLarge }))).toBe("message_too_large");
    expect(await codeOf(() => protect(provider, { recipientKey: new Uint8Array(294) }))).toBe("key_invalid");
    expect(await codeOf(() => protect(provider, { senderPrivateKey: new Uint8Array(9) }))).toBe(
      "key_invalid",
    );
  });
});

const read = (value: unknown) => parseClassicPlaintext(utf8(JSON.stringify(value)));

describe("plaintexts", () => {
  test.each([
    [
      "a body over the limit",
      { type: "text", body: "x".repeat(LIMITS.maxTextBytes + 1) },
      "message_too_large",
    ],
    [
      "a body over the limit in UTF-8 only",
      { type: "text", body: "ü".repeat(LIMITS.maxTextBytes / 2 + 1) },
      "message_too_large",
    ],
    ["half a character", { type: "text", body: "\ud800" }, "usage"],
    ["an id that is none", { type: "text", body: "x", id: "17" }, "usage"],
    ["a counter of 0", { type: "text", body: "x", n: 0 }, "usage"],
    ["a receipt of nothing", { type: "receipt", status: "read", of: [] }, "usage"],
    [
      "a receipt of too many",
      { type: "receipt", status: "read", of: Array.from({ length: 1_025 }, () => new Uint8Array(32)) },
      "usage",
    ],
    ["a receipt of a short hash", { type: "receipt", status: "read", of: [new Uint8Array(31)] }, "usage"],
  ] as const)("are not made of %s", async (_name, plaintext, code) => {
    expect(await codeOf(() => encodeClassicPlaintext(plaintext))).toBe(code);
  });

  test("the largest text and the largest receipt fit a message", async () => {
    const provider = providers[0]!;
    const text = encodeClassicPlaintext({ type: "text", body: "ü".repeat(LIMITS.maxTextBytes / 2) });
    expect(await codeOf(() => protect(provider, { plaintext: text }))).toBe("nothing was thrown");
    const of = Array.from({ length: LIMITS.maxReceiptsPerMessage }, () => new Uint8Array(32));
    const receipt = encodeClassicPlaintext({
      type: "receipt",
      status: "read",
      of,
      from: "x".repeat(254),
      n: 2 ** 53 - 1,
    });
    expect(await codeOf(() => protect(provider, { plaintext: receipt }))).toBe("nothing was thrown");
  });

  test("too long a body and too many receipts are refused when read, too", async () => {
    expect(await codeOf(() => read({ type: "text", body: "x".repeat(LIMITS.maxTextBytes + 1) }))).toBe(
      "message_refused",
    );
    const of = Array.from({ length: LIMITS.maxReceiptsPerMessage + 1 }, () => `${"A".repeat(43)}=`);
    expect(await codeOf(() => read({ type: "receipt", status: "read", of }))).toBe("message_refused");
  });

  test("what is not known is passed over or named, never dropped", () => {
    expect(read({ type: "text", body: "x", reply_to: { deep: [1.5] } })).toEqual({ type: "text", body: "x" });
    expect(read({ type: "reaction", emoji: "+1", n: 3, from: "ann@example.org" })).toEqual({
      type: "unknown",
      name: "reaction",
      n: 3,
      from: "ann@example.org",
    });
    expect(read({ type: "unknown" })).toEqual({ type: "unknown", name: "unknown" });
    expect(read({ type: "typing", n: 4 })).toEqual({ type: "typing" });
  });
});

test("addresses have one form", () => {
  expect(formatClassicAddress(parseClassicAddress(vectors.self)!)).toBe(vectors.self);
  for (const text of [
    "",
    "x",
    vectors.self.toUpperCase(),
    `${vectors.self}0`,
    vectors.self.replace(".", "-"),
  ]) {
    expect(parseClassicAddress(text)).toBeUndefined();
  }
});
