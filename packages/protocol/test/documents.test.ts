/** The specification says what the code does: error codes, limits and labels stand in both, equal. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ERROR_CODES, LABELS, LIMITS, isErrorCode } from "../src/index.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Rows `| \`name\` | value | …` of the table under a heading. */
function table(markdown: string, heading: string): Record<string, string> {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.matchAll(/^\| `(\w+)`\s*\| ([^|]*?)\s*\|/gm);
  return Object.fromEntries(Array.from(rows, ([, name = "", value = ""]) => [name, value]));
}

/** The codes that have a section in a text. */
function codesOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^### `?(\w+)`?$/gm), ([, code = ""]) => code);
}

describe("spec/ERRORS.md", () => {
  const document = read("spec/ERRORS.md");
  const headings = codesOf(document);

  test("has one section for every code, and no other", () => {
    expect(headings.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  test.each(headings)("says of %s what it means and what to do", (code) => {
    const section = document.split(new RegExp(`^### \`?${code}\`?$`, "m"))[1]?.split(/^##/m)[0] ?? "";
    expect(section).toMatch(/\*\*Meaning:\*\* \S/);
    expect(section).toMatch(/\*\*What to do:\*\* \S/);
  });

  test("the codes that travel are told apart from those that do not", () => {
    expect(isErrorCode("malformed")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
    const [, server = "", own = ""] = document.split(/^## (?=What )/m);
    const travelling = Object.entries(ERROR_CODES).filter(([, { travels }]) => travels);
    expect(codesOf(server).toSorted()).toEqual(travelling.map(([code]) => code).toSorted());
    expect(codesOf(own).length).toBeGreaterThan(0);
  });
});

test("every error code is raised somewhere in the sources", () => {
  const files = globSync(["packages/*/src/**/*.{ts,tsx}", "apps/*/src/**/*.{ts,tsx}"], { cwd: root }).filter(
    (file) => !file.includes("/gen/") && !file.endsWith("error-codes.ts") && !/testkit|next-steps/.test(file),
  );
  const sources = files.map((file) => read(file)).join("\n");
  const unused = Object.keys(ERROR_CODES).filter((code) => !sources.includes(`"${code}"`));
  expect(unused).toEqual([]);
});

describe("spec/PROTOCOL.md", () => {
  const document = read("spec/PROTOCOL.md");

  test("lists every limit with its value, and no other", () => {
    const listed = Object.entries(table(document, "Limits")).map(([name, value]) => [name, Number(value)]);
    expect(Object.fromEntries(listed)).toEqual(LIMITS);
  });

  test("lists every label with its text, and no other", () => {
    const listed = Object.entries(table(document, "Labels")).map(([name, text]) => [
      name,
      text.replaceAll(/["`]/g, ""),
    ]);
    expect(Object.fromEntries(listed)).toEqual(LABELS);
  });

  test("names no error code that does not exist", () => {
    const refusals = Array.from(
      document.matchAll(/refused with `(\w+)`|answers `(\w+)`/g),
      (m) => m[1] ?? m[2] ?? "",
    );
    expect(refusals.filter((code) => code.includes("_") && !isErrorCode(code))).toEqual([]);
  });
});
