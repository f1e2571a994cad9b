/** docs/operations.md against the server's own registry: every metric, its kind and its labels, both ways. */
import { describe, expect, test } from "vitest";
import { readDocument, tableAfter } from "./documents.ts";
import { knownMetrics as known } from "./support/metrics.ts";

describe("the table of metrics", () => {
  const rows = tableAfter(readDocument("docs/operations.md"), "<!-- test:metrics -->");

  test("lists every metric of ours, and none that does not exist", () => {
    const listed = rows.map(([name = ""]) => name);
    expect(listed.filter((name) => !known.has(name))).toEqual([]);
    const ours = Array.from(known.keys()).filter((name) => name.startsWith("sotto_"));
    expect(ours.filter((name) => !listed.includes(name))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });

  test.each(rows)("%s is a %s with labels %s", (name = "", kind, labels = "") => {
    const metric = known.get(name);
    expect(metric?.type).toBe(kind);
    const written = Array.from(labels.matchAll(/\w+/g), ([label]) => label);
    expect(written.toSorted()).toEqual(metric?.labelNames.toSorted());
  });
});

test("no label can grow with people: all are known closed sets", () => {
  const closed = ["channel", "code", "end", "last_resort", "limit", "live", "outcome", "part", "reason"];
  const ours = Array.from(known.values()).filter(({ name }) => name.startsWith("sotto_"));
  const labels = new Set(ours.flatMap(({ labelNames }) => labelNames));
  expect(Array.from(labels).toSorted()).toEqual([...closed, "signed_in", "step", "subject", "version"]);
});
