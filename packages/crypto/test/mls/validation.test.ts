/** spec/VALIDATION.md, the checks in the code, and the tests' titles name the same ids. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../../..");

function read(folder: string): string {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith(".ts"));
  return files.map((name) => readFileSync(join(root, folder, name), "utf8")).join("\n");
}

function idsOf(text: string): readonly string[] {
  return [...new Set(text.match(/MLS-[A-Z]+-\d+/g) ?? [])].toSorted();
}

const documented = readFileSync(join(root, "spec/VALIDATION.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| MLS-"))
  .map((line) => line.split("|")[1]!.trim());

test("every id stands in the document once", () => {
  expect(new Set(documented).size).toBe(documented.length);
  expect(documented.length).toBeGreaterThan(50);
});

test("the code makes the checks of the document", () => {
  expect(idsOf(read("packages/crypto/src/mls"))).toEqual(documented.toSorted());
});

test("every check has a test with its id in the title", () => {
  // Titles: the text after test( or test.each(…)(, and the first field of a row of test.each.
  const titles = read("packages/crypto/test/mls").matchAll(
    /test(?:\.each\([^)]*\))?\(\s*"([^"]*)"|\[\s*"(MLS-[^"]*)"/g,
  );
  const ids = idsOf(Array.from(titles, (match) => match[1] ?? match[2]).join("\n"));
  expect(ids).toEqual(documented.toSorted());
});
