import { expect, test } from "vitest";
import { parseOptions } from "../src/options.ts";
import { selfTimes } from "../src/profile.ts";
import { spread } from "../src/report/tables.ts";

const node = (id: number, functionName: string, url = "", lineNumber = 0) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

test("spread takes the middle of the rounds", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(() => spread([])).toThrow(RangeError);
});

test("self times leave idle time out", () => {
  const times = selfTimes({
    nodes: [node(1, "(idle)"), node(2, "commit", "file:///x/packages/server/src/a.ts", 41), node(3, "")],
    samples: [1, 2, 2, 3],
    timeDeltas: [9000, 1000, 2000, 1000],
  });
  expect(times).toEqual([
    { name: "commit packages/server/src/a.ts:42", ms: 3, share: 0.75 },
    { name: "(anonymous)", ms: 1, share: 0.25 },
  ]);
});

test("options say what is wrong", () => {
  expect(parseOptions(["--quick"], "out")).toMatchObject({ quick: true, rounds: 1, out: "out" });
  expect(parseOptions(["--no-write", "--only", "sotto,relay"], "out")).toMatchObject({
    out: undefined,
    only: ["sotto", "relay"],
  });
  expect(() => parseOptions(["--rounds", "none"], "out")).toThrow("none");
  expect(() => parseOptions(["--scenario", "dance"], "out")).toThrow("dance");
  expect(() => parseOptions(["--unknown"], "out")).toThrow("--unknown");
});
