import { expect, test } from "vitest";
import { parseOptions } from "../src/options.ts";
import { workTimes } from "../src/budget.ts";
import { selfTimes, selfTimesByFile } from "../src/profile.ts";
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

test("self times by file join what a library or a file took", () => {
  const times = [
    { name: "getData node_modules/ws/lib/receiver.js:480", ms: 4, share: 0.4 },
    { name: "_unmask node_modules/ws/lib/buffer-util.js:60", ms: 1, share: 0.1 },
    { name: "fromBinary node_modules/@bufbuild/protobuf/dist/a.js:1", ms: 1, share: 0.1 },
    { name: "commit packages/server/src/a.ts:42", ms: 1, share: 0.1 },
    { name: "(anonymous) packages/server/src/a.ts:50", ms: 1, share: 0.1 },
    { name: "nextTick node:internal/process/task_queues:113", ms: 0.5, share: 0.05 },
    { name: "writev", ms: 1.5, share: 0.15 },
  ];
  const joined = selfTimesByFile(times).map(({ name, ms }) => [name, ms]);
  expect(joined).toEqual([
    ["node_modules/ws", 5],
    ["packages/server/src/a.ts", 2],
    ["writev", 1.5],
    ["node_modules/@bufbuild/protobuf", 1],
    ["node:internal/process/task_queues", 0.5],
  ]);
});

test("work is counted for the innermost frame that a kind claims; idle time is not", () => {
  const times = workTimes({
    nodes: [
      { ...node(1, "(root)"), children: [2, 3] },
      node(2, "(idle)"),
      { ...node(3, "#commit", "file:///x/packages/server/src/core/group-commit.ts"), children: [4, 7] },
      { ...node(4, "#transaction", "file:///x/packages/server/src/adapters/sqlite/store.ts"), children: [5] },
      { ...node(5, "#append", "file:///x/packages/server/src/adapters/sqlite/log-table.ts"), children: [6] },
      node(6, "copy", "node:buffer"),
      { ...node(7, "flush", "file:///x/packages/server/src/http/connection.ts"), children: [8] },
      { ...node(8, "writeGeneric", "node:internal/stream_base_commons"), children: [9] },
      node(9, "writeBuffer"),
    ],
    samples: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    timeDeltas: [1000, 9000, 2000, 4000, 3000, 3000, 1000, 5000, 7000],
  });
  expect(times).toEqual([
    { kind: "socket writes", ms: 7 },
    { kind: "SQLite: statements", ms: 6 },
    { kind: "WebSocket, HTTP and streams", ms: 5 },
    { kind: "SQLite: COMMIT and the wait for its fsync", ms: 4 },
    { kind: "group commit, sessions, readers", ms: 3 },
    { kind: "everything else", ms: 1 },
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
