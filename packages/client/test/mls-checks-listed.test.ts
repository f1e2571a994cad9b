/** The client's checks (SOTTO-…): spec/VALIDATION.md, the code and the tests' titles name the same ids, and errors in the code say them. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const read = (...patterns: readonly string[]): string =>
  globSync(patterns, { cwd: root })
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
const idsOf = (text: string): readonly string[] =>
  [...new Set(text.match(/SOTTO-[A-Z]+-\d+/g) ?? [])].toSorted();

const rows = read("spec/VALIDATION.md")
  .split("\n")
  .filter((line) => line.startsWith("| SOTTO-"))
  .map((line) => line.split("|").map((cell) => cell.trim()));
const documented = rows.map(([, id = ""]) => id).toSorted();

test("every id stands in the document once", () => {
  expect(new Set(documented).size).toBe(documented.length);
  expect(documented.length).toBeGreaterThan(20);
});

test("the code makes the checks of the document, and no comment alone names one", () => {
  const code = read("packages/client/src/**/*.ts").replaceAll(/\/\*\*[\s\S]*?\*\/|\/\/.*/g, "");
  expect(idsOf(code)).toEqual(documented);
});

test.each(rows)("%s%s stands in the file that the document names", (_, id = "", _rule, file = "") => {
  expect(idsOf(read(`packages/client/src/core/groups/${file.replaceAll("`", "")}`))).toContain(id);
});

test("every check has a test with its id in the title", () => {
  // A title begins with the id that it is about.
  const tests = read("packages/client/test/*.test.ts", "packages/testkit/test/*.test.ts");
  const titles = tests.matchAll(/\(\s*"(SOTTO-[A-Z]+-\d+): [^"]+", (?:async )?\(/g);
  const named = Array.from(titles, (match) => match[1]).join("\n");
  expect(idsOf(named)).toEqual(documented);
});

test("the protocol names no check that does not exist", () => {
  const named = idsOf(read("spec/PROTOCOL.md"));
  expect(named.filter((id) => !documented.includes(id))).toEqual([]);
  expect(named.length).toBeGreaterThan(10);
});
