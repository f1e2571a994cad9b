/** Safety numbers: equal at both sides, different for anybody else, computed as documented. */
import { pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { formatSafetyNumberQr, parseSafetyNumberQr, safetyNumber } from "../src/safety-number.ts";
import { idOf } from "./support/people.ts";
import { providers } from "./support/providers.ts";
import { codeOf, flipped } from "./support/bytes.ts";

const ann = { accountId: idOf(1), identityKey: new Uint8Array(32).fill(11) };
const ben = { accountId: idOf(2), identityKey: new Uint8Array(32).fill(22) };

/** By the words of the module's header, with other tools. */
function expectedHalf(party: typeof ann): string {
  const password = Buffer.concat([party.identityKey, party.accountId]);
  const bytes = pbkdf2Sync(password, "sotto/safety-number/v1", 100_000, 30, "sha256");
  return [0, 5, 10, 15, 20, 25]
    .map((at) =>
      (BigInt(`0x${bytes.subarray(at, at + 5).toString("hex")}`) % 100_000n).toString().padStart(5, "0"),
    )
    .join(" ");
}

describe.each(providers)("safety numbers on $name", (provider) => {
  test("are equal on both sides, 12 groups of 5 digits, as documented", async () => {
    const number = await safetyNumber(provider, ann, ben);
    expect(number).toMatch(/^[0-9]{5}(?: [0-9]{5}){11}$/);
    expect(await safetyNumber(provider, ben, ann)).toBe(number);
    const halves = [expectedHalf(ann), expectedHalf(ben)];
    expect(number).toBe(halves.toSorted().join(" "));
  });

  test("change with either key and either account", async () => {
    const number = await safetyNumber(provider, ann, ben);
    for (const other of [
      { ...ben, identityKey: flipped(ben.identityKey, 31, 7) },
      { ...ben, accountId: idOf(3) },
      { ...ben, identityKey: ann.identityKey },
    ]) {
      expect(await safetyNumber(provider, ann, other)).not.toBe(number);
    }
  });
});

test("a QR code carries the number", async () => {
  const number = await safetyNumber(providers[0]!, ann, ben);
  const qr = formatSafetyNumberQr(number);
  expect(qr).toMatch(/^SOTTO-SAFETY:1:[0-9]{60}$/);
  expect(parseSafetyNumberQr(qr)).toBe(number);
  for (const text of ["", number, `${qr}0`, qr.slice(0, -1), qr.toLowerCase(), qr.replace(":1:", ":2:")]) {
    expect(parseSafetyNumberQr(text)).toBeUndefined();
  }
  expect(await codeOf(() => formatSafetyNumberQr("12345"))).toBe("usage");
});
