import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Identifier, LIMITS, UsageError, identifierKind, parseIdentifier } from "../src/index.ts";

describe("phone numbers", () => {
  test.each([
    ["+15551230001", "+15551230001"],
    ["+1 (555) 123-0001", "+15551230001"],
    [" +1.555.123.0001 ", "+15551230001"],
    ["+49 30 901820", "+4930901820"],
    ["+442079460018", "+442079460018"],
    ["+86 138 0013 8000", "+8613800138000"],
  ])("%s is %s", (typed, expected) => {
    expect(parseIdentifier(typed)).toBe(expected);
    expect(identifierKind(parseIdentifier(typed))).toBe("phone");
  });

  test("a number without + needs a country", () => {
    expect(parseIdentifier("030 901820", "DE")).toBe("+4930901820");
    expect(() => parseIdentifier("030 901820")).toThrow(UsageError);
  });
});

describe("e-mail addresses", () => {
  test.each([
    ["ann@example.org", "ann@example.org"],
    ["Ann.Lee+work@Example.ORG ", "ann.lee+work@example.org"],
    ["a@b-c.example", "a@b-c.example"],
  ])("%s is %s", (typed, expected) => {
    expect(parseIdentifier(typed)).toBe(expected);
    expect(identifierKind(parseIdentifier(typed))).toBe("email");
  });
});

test.each([
  "",
  " ",
  "+",
  "+1",
  "12345",
  "+1555123000112345",
  "hello",
  "+1555CALLNOW ext 5x",
  "+4 300) 901820", // read as +430901820, which is read as +43901820
  "a@b",
  "@example.org",
  "a@@example.org",
  "a b@example.org",
  "a@example.org\nbcc: x@example.org",
  "a@exam_ple.org",
  "a@-example.org",
  "a@example.o",
  ".a@example.org",
  "a.@example.org",
  "a..b@example.org",
  '"a b"@example.org',
  "a@[127.0.0.1]",
  "ann@exämple.org",
  `${"a".repeat(300)}@example.org`,
])("refuses %j", (typed) => {
  expect(() => parseIdentifier(typed)).toThrow(expect.objectContaining({ code: "identifier_invalid" }));
});

/** The identifier, or undefined when it is refused as it should be. */
function attempt(typed: string): Identifier | undefined {
  try {
    return parseIdentifier(typed);
  } catch (error) {
    if (error instanceof UsageError && error.code === "identifier_invalid") return undefined;
    throw error;
  }
}

test("what comes out goes in again unchanged, and never exceeds the limit", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.emailAddress(),
        fc.integer({ min: 0, max: 9_999_999 }).map((n) => `+1555${String(n).padStart(7, "0")}`),
      ),
      (typed) => {
        const parsed = attempt(typed);
        fc.pre(parsed !== undefined);
        expect(parseIdentifier(parsed)).toBe(parsed);
        expect(Buffer.byteLength(parsed)).toBeLessThanOrEqual(LIMITS.maxIdentifierBytes);
      },
    ),
    { seed: 3, numRuns: 1_000 },
  );
});

test("a hostile address costs no more than linear time", () => {
  const started = performance.now();
  for (const text of [
    `${"a.".repeat(120)}@`,
    `a@${"a-".repeat(120)}`,
    `a@${"a.".repeat(120)}!`,
    "+".repeat(250),
    "(".repeat(250),
    "+1 ".padEnd(250, "-"),
  ]) {
    expect(() => parseIdentifier(text)).toThrow(UsageError);
  }
  expect(performance.now() - started).toBeLessThan(500);
});
