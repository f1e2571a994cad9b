/** Every parser of this package against 100,000 seeded inputs: typed errors only, and what is taken means one thing. */
import { isDeepStrictEqual } from "node:util";
import { toBinary } from "@bufbuild/protobuf";
import { DeviceListSchema, SignedDeviceListSchema, equalBytes, parseDeviceList, utf8 } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { classicSignedBytes, formatClassicMessage, parseClassicMessage } from "../src/classic/format.ts";
import { encodeClassicPlaintext, parseClassicPlaintext } from "../src/classic/plaintext.ts";
import { decodeSignedDeviceList } from "../src/device-list.ts";
import { parsePem } from "../src/pem.ts";
import { createVault, parseSealedRecord, parseVaultHeader } from "../src/vault.ts";
import { codeOf } from "./support/bytes.ts";
import { fuzz } from "./support/fuzz.ts";
import { vectorList } from "./support/people.ts";
import { providers } from "./support/providers.ts";
import { key, messageOf, vectors } from "./support/vectors.ts";

const provider = providers[0]!;
const count = 100_000;
const seed = Number(process.env.SOTTO_SEED ?? 20_261_123);

describe(`100,000 inputs from seed ${seed}`, () => {
  test("classic messages", () => {
    const valid = vectors.cases
      .filter(({ expect, message }) => expect === "ok" && message!.length < 1_500)
      .map((vector) => messageOf(vector));
    const result = fuzz(
      (input) => {
        const message = parseClassicMessage(input);
        const again = parseClassicMessage(utf8(formatClassicMessage(message, message.signature)));
        if (!equalBytes(classicSignedBytes(again), classicSignedBytes(message)))
          throw new Error("read in two ways");
      },
      { seed, count, valid, codes: ["message_refused"] },
    );
    expect(result.accepted).toBeGreaterThan(1_000);
    expect(result.refused).toBeGreaterThan(50_000);
  });

  test("plaintexts of classic messages", () => {
    const valid = vectors.cases
      .filter(({ plaintext }) => plaintext && plaintext.length < 1_500)
      .map(({ plaintext }) => utf8(plaintext!));
    const result = fuzz(
      (input) => {
        const content = parseClassicPlaintext(input);
        if (content.type === "unknown") return;
        const again = parseClassicPlaintext(encodeClassicPlaintext(content));
        if (!isDeepStrictEqual(again, content)) throw new Error("read in two ways");
      },
      { seed, count, valid, codes: ["message_refused"] },
    );
    expect(result.accepted).toBeGreaterThan(1_000);
    expect(result.refused).toBeGreaterThan(30_000);
  });

  test("vault headers and sealed records", async () => {
    const { header, vault } = await createVault(provider, "x");
    const headers = fuzz((input) => void parseVaultHeader(input), {
      seed,
      count,
      valid: [header],
      codes: ["vault_damaged"],
    });
    expect(headers.refused).toBeGreaterThan(50_000);
    expect(headers.accepted).toBeGreaterThan(1_000);
    const valid = [await vault.seal(utf8("k"), utf8("x".repeat(50))), await vault.seal(utf8("k"), utf8(""))];
    const records = fuzz((input) => void parseSealedRecord(input), {
      seed,
      count,
      valid,
      codes: ["vault_damaged"],
    });
    expect(records.refused).toBeGreaterThan(10_000);
    expect(records.accepted).toBeGreaterThan(1_000);
  });

  test("signed device lists, and the lists in them", async () => {
    const { signedBytes } = await vectorList(provider);
    const outside = fuzz(
      (input) => {
        const signed = decodeSignedDeviceList(input);
        parseDeviceList(signed.list);
        if (
          decodeSignedDeviceList(toBinary(SignedDeviceListSchema, signed)).list.length !== signed.list.length
        ) {
          throw new Error("read in two ways");
        }
      },
      { seed, count, valid: [signedBytes], codes: ["malformed", "too_large", "device_list_invalid"] },
    );
    expect(outside.accepted).toBeGreaterThan(1_000);
    expect(outside.refused).toBeGreaterThan(10_000);
    const { list } = decodeSignedDeviceList(signedBytes);
    const inside = fuzz((input) => void toBinary(DeviceListSchema, parseDeviceList(input)), {
      seed: seed + 1,
      count,
      valid: [list],
      codes: ["device_list_invalid"],
    });
    expect(inside.accepted).toBeGreaterThan(1_000);
    expect(inside.refused).toBeGreaterThan(10_000);
  });

  test("PEM", () => {
    const valid = [utf8(key("mallory").pem.public)];
    const decoder = new TextDecoder();
    const result = fuzz((input) => void parsePem("PUBLIC KEY", decoder.decode(input)), {
      seed,
      count,
      valid,
      codes: ["usage"],
    });
    expect(result.refused).toBeGreaterThan(50_000);
  });
});

describe("inputs made to hurt", () => {
  const most = 262_136;
  test.each([
    ["[[[[…", "[".repeat(most)],
    ['{"a":{"a":…', '{"a":'.repeat(most / 5)],
    ["[[…]]", "[".repeat(most / 2) + "]".repeat(most / 2)],
    ["one string without end", `"${"a".repeat(most - 1)}`],
    ["backslashes without end", `"${"\\".repeat(most - 1)}`],
    ["quotation marks", '"'.repeat(most)],
    ["a number of 262,136 digits", "9".repeat(most)],
    ["a number of 262,136 digits inside", `{"timestamp":${"9".repeat(most - 14)}}`],
    ["30,000 names", `{${Array.from({ length: 18_000 }, (_, i) => `"${i}":0`).join()}}`],
    ["one name 30,000 times", `{${Array.from({ length: 30_000 }, () => '"a":0').join()}}`],
    [
      "spaces behind",
      `${vectors.cases[0]!.message!}${" ".repeat(most - vectors.cases[0]!.message!.length)} `,
    ],
    ["commas", `[${",".repeat(most - 2)}]`],
    ["escapes", `{"${"\\u0061".repeat(40_000)}":0}`],
  ])("%s", async (_name, text) => {
    const start = performance.now();
    expect(await codeOf(() => parseClassicMessage(utf8(text)))).toBe("message_refused");
    expect(await codeOf(() => parseClassicPlaintext(utf8(text)))).toBe("message_refused");
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("a message of the greatest size is taken, one byte more is not", async () => {
    const text = vectors.cases[0]!.message!;
    const spaces = " ".repeat(most - text.length);
    expect(await codeOf(() => parseClassicMessage(utf8(text + spaces)))).toBe("nothing was thrown");
    expect(await codeOf(() => parseClassicMessage(utf8(`${text + spaces} `)))).toBe("message_refused");
  });
});
