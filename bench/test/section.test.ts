import { expect, test } from "vitest";
import { sectionOf, withSection } from "../src/report/section.ts";

const section = { name: "crypto", title: "Cryptography", command: "npm run bench:crypto" };

test("the section is replaced, and the rest of the file stays", () => {
  const first = withSection("# Results\n\nothers\n", section, "one");
  expect(first).toMatch(/^# Results\n\nothers\n/);
  const again = withSection(`${first}\nafter\n`, section, "two");
  expect(again).toBe(`${first.replace("\none\n", "\ntwo\n")}\nafter\n`);
  expect(sectionOf(again, "crypto")).toBe("two");
  expect(() => withSection(first.replace("<!-- crypto: end -->", ""), section, "three")).toThrow(
    "lacks the end",
  );
});
