import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatFingerprint, formatInvite, parseFingerprint, parseServerAddress } from "../src/index.ts";

const fingerprint = Uint8Array.from({ length: 32 }, (_, i) => i * 8);
const text = formatFingerprint(fingerprint);

describe("fingerprints", () => {
  test("are 43 characters of base64url, and 32 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(formatFingerprint(bytes)).toMatch(/^[\w-]{43}$/);
        expect(parseFingerprint(formatFingerprint(bytes))).toEqual(bytes);
      }),
      { seed: 4 },
    );
    expect(parseFingerprint(` ${text}\n`)).toEqual(fingerprint);
  });
  test.each(["", text.slice(1), `${text}A`, `${text}=`, `${text.slice(0, 42)}B`, text.replace("A", "+")])(
    "refuses %j",
    (wrong) => {
      expect(parseFingerprint(wrong)).toBeUndefined();
    },
  );
});

describe("server addresses", () => {
  test.each([
    [`sotto://chat.example.org/#${text}`, "https://chat.example.org", true],
    [`sotto://chat.example.org:8443/#${text}`, "https://chat.example.org:8443", true],
    [`sotto://127.0.0.1:8443/?plain#${text}`, "http://127.0.0.1:8443", true],
    [`sotto://[::1]:8443/?plain#${text}`, "http://[::1]:8443", true],
    ["https://chat.example.org", "https://chat.example.org", false],
    ["https://chat.example.org/some/path", "https://chat.example.org", false],
    [` http://127.0.0.1:1 `, "http://127.0.0.1:1", false],
    [`sotto://Chat.Example.ORG:443/#${text}`, "https://chat.example.org", true],
    [`sotto://chat.example.org:80/?plain#${text}`, "http://chat.example.org", true],
    [`https://chat.example.org/#${text}`, "https://chat.example.org", true],
  ])("%s", (address, origin, pinned) => {
    expect(parseServerAddress(address)).toEqual({ origin, fingerprint: pinned ? fingerprint : undefined });
  });

  test.each([
    "",
    "chat.example.org",
    "localhost:8443",
    "ftp://chat.example.org",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://user:secret@chat.example.org",
    "https://:secret@chat.example.org",
    "sotto://a%00b",
    "sotto://a%25",
    "sotto://1.2.3.4.5",
    "https://",
    "sotto:",
    "sotto:///#x",
    `sotto://chat.example.org/#${text.slice(1)}`,
    "https://chat.example.org/#nonsense",
  ])("refuses %j as a usage error", (address) => {
    expect(() => parseServerAddress(address)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test.each(["https://user:hunter2@chat.example.org", "https://user:hunter2@chat example.org"])(
    "an error repeats nothing of an address that holds a password: %s",
    (address) => {
      expect(() => parseServerAddress(address)).toThrow(
        expect.toSatisfy((error: unknown) => !inspect(error, { depth: 5 }).includes("hunter2")),
      );
    },
  );
});

test.each([
  "https://chat.example.org",
  "https://chat.example.org:8443",
  "http://127.0.0.1:4000",
  "http://[::1]:4000",
])("the invite link of %s leads back to it", (origin) => {
  expect(parseServerAddress(formatInvite(origin, fingerprint))).toEqual({ origin, fingerprint });
});
