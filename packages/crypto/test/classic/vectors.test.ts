/** The vectors that an independent implementation made: we open theirs, and refuse what is wrong with the right code. */
import { toBase64, utf8 } from "@sotto/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import {
  classicSignedBytes,
  formatClassicMessage,
  parseClassicAddress,
  parseClassicMessage,
} from "../../src/classic/format.ts";
import { parseClassicPlaintext } from "../../src/classic/plaintext.ts";
import { unprotectClassic } from "../../src/classic/unprotect.ts";
import type { VerifiedDeviceList } from "../../src/device-list.ts";
import type { CryptoProvider } from "../../src/provider.ts";
import { codeOf } from "../support/bytes.ts";
import { vectorList } from "../support/people.ts";
import { providers } from "../support/providers.ts";
import { type VectorCase, key, messageOf, vectors } from "../support/vectors.ts";

const self = parseClassicAddress(vectors.self)!;

async function open(provider: CryptoProvider, senderList: VerifiedDeviceList, vector: VectorCase) {
  return unprotectClassic(provider, {
    message: parseClassicMessage(messageOf(vector)),
    self,
    privateKeys: vectors.private_keys.map((name) => key(name).privateKey),
    senderList,
    nowSec: vectors.now,
    alreadySeen: () => vector.seen === true,
  });
}

describe.each(providers)("classic vectors on $name", (provider) => {
  let list: VerifiedDeviceList;
  beforeAll(async () => {
    list = await vectorList(provider);
  });

  test.each(vectors.cases.filter((vector) => vector.expect === "ok"))("opens: $name", async (vector) => {
    const opened = await open(provider, list, vector);
    expect(toBase64(opened.plaintext)).toBe(toBase64(utf8(vector.plaintext!)));
    const content = parseClassicPlaintext(opened.plaintext);
    expect(content.type).toMatch(/^(?:text|receipt|typing|unknown)$/);
    expect(opened.hash).toEqual(await provider.sha256(parseClassicMessage(messageOf(vector)).signature));
  });

  test.each(vectors.cases.filter((vector) => vector.expect !== "ok" && !vector.in_plaintext))(
    "refuses with $expect: $name",
    async (vector) => {
      expect(await codeOf(() => open(provider, list, vector))).toBe(vector.expect);
    },
  );

  test.each(vectors.cases.filter((vector) => vector.in_plaintext))(
    "refuses inside: $name",
    async (vector) => {
      const opened = await open(provider, list, vector);
      expect(await codeOf(() => parseClassicPlaintext(opened.plaintext))).toBe(vector.expect);
    },
  );
});

test("what is opened is written again to the same text", () => {
  const compact = vectors.cases.filter(
    ({ expect, message }) => expect === "ok" && message!.startsWith('{"sender_id":"'),
  );
  expect(compact.length).toBeGreaterThan(10);
  for (const vector of compact) {
    if (vector.message!.includes("\\") || vector.message!.includes(" ")) continue;
    const message = parseClassicMessage(messageOf(vector));
    expect(formatClassicMessage(message, message.signature)).toBe(vector.message);
  }
});

test("what is signed is RFC 8785, byte for byte", () => {
  const { message } = vectors.cases[0]!;
  const { signature: _, ...signed } = JSON.parse(message!) as Record<string, string | number>;
  const sorted = Object.fromEntries(Object.entries(signed).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  expect(classicSignedBytes(parseClassicMessage(utf8(message!)))).toEqual(utf8(JSON.stringify(sorted)));
});

test("every refusal that the protocol names has a case", () => {
  const covered = new Set(vectors.cases.map(({ expect }) => expect));
  const named =
    "ok message_refused message_not_for_us device_unknown signature_invalid key_revoked message_stale message_from_future message_replayed decryption_failed";
  expect([...covered].toSorted()).toEqual(named.split(" ").toSorted());
});
