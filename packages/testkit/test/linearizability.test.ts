/** The checker of histories: it passes what can have happened, and catches each kind of fault. */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../src/random.ts";
import {
  checkLog,
  type AppendCall,
  type FaultKind,
  type LogHistory,
  type Look,
  type ReadEntry,
} from "../src/linearizability/index.ts";

/** m1 (0–2), then c1 ends epoch 0 (3–6) against c2 (4–7), m2 in epoch 1 (8–9) beside m3, which nobody answered (8–). */
const good: LogHistory = {
  first: { seq: 0, epoch: 0 },
  appends: [
    { id: "m1", kind: "message", epoch: 0, callMs: 0, outcome: { type: "stored", seq: 1, atMs: 2 } },
    { id: "c1", kind: "commit", epoch: 0, callMs: 3, outcome: { type: "stored", seq: 2, atMs: 6 } },
    {
      id: "c2",
      kind: "commit",
      epoch: 0,
      callMs: 4,
      outcome: { type: "ended", winnerSeq: 2, current: 1, atMs: 7 },
    },
    { id: "m2", kind: "message", epoch: 1, callMs: 8, outcome: { type: "stored", seq: 4, atMs: 9 } },
    { id: "m3", kind: "message", epoch: 1, callMs: 8, outcome: { type: "unknown" } },
  ],
  looks: [
    { head: 1, epoch: 0, callMs: 2, atMs: 4 },
    { head: 4, epoch: 1, callMs: 9, atMs: 10 },
  ],
  given: [
    [
      { seq: 1, id: "m1", kind: "message", epoch: 0, atMs: 3 },
      { seq: 2, id: "c1", kind: "commit", epoch: 0, atMs: 5 },
    ],
    [{ seq: 4, id: "m2", kind: "message", epoch: 1, atMs: 11 }],
  ],
  entries: [
    { seq: 1, id: "m1", kind: "message", epoch: 0 },
    { seq: 2, id: "c1", kind: "commit", epoch: 0 },
    { seq: 3, id: "m3", kind: "message", epoch: 1 },
    { seq: 4, id: "m2", kind: "message", epoch: 1 },
  ],
};

const kinds = (history: LogHistory): readonly FaultKind[] => checkLog(history).map(({ kind }) => kind);
const call = (id: string, change: Partial<AppendCall>): LogHistory["appends"] =>
  good.appends.map((one) => (one.id === id ? { ...one, ...change } : one));
const numbered = (entries: readonly ReadEntry[]): ReadEntry[] =>
  entries.map((one, i) => ({ ...one, seq: i + 1 }));
const [m1, c1, m3, m2] = good.entries as [ReadEntry, ReadEntry, ReadEntry, ReadEntry];

describe("a history", () => {
  test("that can have happened has no fault", () => {
    expect(checkLog(good)).toEqual([]);
    expect(checkLog({ ...good, entries: numbered([m1, c1, m3, m2]) })).toEqual([]);
  });

  test("may or may not hold what nobody answered", () => {
    const appends = call("m2", { outcome: { type: "stored", seq: 3, atMs: 9 } });
    const without = { ...good, appends, looks: [], given: [], entries: numbered([m1, c1, m2]) };
    expect(checkLog(without)).toEqual([]);
  });

  const faults: [string, FaultKind, Partial<LogHistory>][] = [
    ["an acknowledged append that is gone", "lost", { entries: [m1, c1, m3], looks: [], given: [] }],
    ["one under another seq than was told", "lost", { entries: numbered([m1, c1, m2, m3]) }],
    [
      "something given to a follower that is gone",
      "lost",
      { given: [[{ seq: 5, id: "m9", kind: "message", epoch: 1, atMs: 9 }]] },
    ],
    ["an append that is stored twice", "doubled", { entries: numbered([m1, c1, m3, m2, m3]) }],
    [
      "something that nobody appended",
      "invented",
      { entries: numbered([m1, c1, m3, m2, { ...m2, id: "x" }]) },
    ],
    [
      "something that was refused",
      "invented",
      { appends: call("m3", { outcome: { type: "refused", atMs: 9 } }) },
    ],
    ["a seq that is left out", "gap", { entries: [m1, c1, m3, { ...m2, seq: 5 }] }],
    ["a follower's gap", "gap", { given: [[...(good.given[0] ?? []), ...(good.given[1] ?? [])]] }],
    [
      "two Commits of one epoch",
      "two winners",
      {
        entries: numbered([m1, c1, { ...c1, id: "c2" }, m3, m2]),
        appends: call("c2", { outcome: { type: "unknown" } }),
      },
    ],
    [
      "a message of an epoch that ended",
      "wrong epoch",
      { entries: [m1, c1, { ...m3, epoch: 0 }, m2], appends: call("m3", { epoch: 0 }) },
    ],
    [
      "a refusal that names no Commit",
      "wrong winner",
      { appends: call("c2", { outcome: { type: "ended", winnerSeq: 1, current: 1, atMs: 7 } }) },
    ],
    [
      "an append that stands before one that was acknowledged before it began",
      "reordered",
      { appends: call("m3", { callMs: 9.5 }) },
    ],
    [
      "a look that misses what was acknowledged",
      "went back",
      { looks: [{ head: 3, epoch: 1, callMs: 9.5, atMs: 10 }] },
    ],
    [
      "a look that misses what a look before saw",
      "went back",
      {
        looks: [
          { head: 3, epoch: 1, callMs: 8, atMs: 8.2 },
          { head: 2, epoch: 1, callMs: 8.5, atMs: 9 },
        ],
      },
    ],
    [
      "a look that misses what a follower had",
      "went back",
      { looks: [{ head: 1, epoch: 0, callMs: 5.5, atMs: 6 }] },
    ],
    ["a look into another epoch", "went back", { looks: [{ head: 4, epoch: 2, callMs: 9, atMs: 10 }] }],
    ["a look beyond the end", "went back", { looks: [{ head: 7, epoch: 1, callMs: 9, atMs: 10 }] }],
    [
      "a refusal before anybody can have won",
      "went back",
      { appends: call("c2", { callMs: 1, outcome: { type: "ended", winnerSeq: 2, current: 1, atMs: 2.5 } }) },
    ],
    [
      "a follower that had it before it was sent",
      "went back",
      {
        given: [[{ seq: 4, id: "m2", kind: "message", epoch: 1, atMs: 7.5 }]],
      },
    ],
  ];
  test.each(faults)("with %s is caught: %s", (_, kind, change) => {
    expect(kinds({ ...good, ...change })).toContain(kind);
  });

  test("of many entries is checked in a moment", () => {
    const count = 50_000;
    const entries = Array.from({ length: count }, (_, i): ReadEntry => ({ ...m1, seq: i + 1, id: `m${i}` }));
    const appends = entries.map(({ id, seq }, i): AppendCall => ({
      id,
      kind: "message",
      epoch: 0,
      callMs: i,
      outcome: { type: "stored", seq, atMs: i + 16 },
    }));
    const history: LogHistory = { first: { seq: 0, epoch: 0 }, appends, looks: [], given: [], entries };
    expect(checkLog(history)).toEqual([]);
    expect(kinds({ ...history, looks: [{ head: 9, epoch: 0, callMs: 40, atMs: 41 }] })).toEqual([
      "went back",
    ]);
  });
});

/** Some operation of a small history, with what it does to a log. */
interface Step {
  readonly callMs: number;
  readonly atMs: number;
  /** The state after it, undefined when it cannot happen in this one. */
  readonly apply: (state: readonly ReadEntry[]) => readonly ReadEntry[] | undefined;
}

const epochOf = (state: readonly ReadEntry[]): number => state.filter(({ kind }) => kind === "commit").length;

const fromLook = ({ head, epoch, callMs, atMs }: Look): Step => ({
  callMs,
  atMs,
  apply: (state) => (state.length === head && epochOf(state) === epoch ? state : undefined),
});

function steps({ appends, looks, entries }: LogHistory): Step[] {
  const fromAppend = ({ id, epoch, callMs, outcome }: AppendCall): Step[] => {
    const atMs = outcome.type === "unknown" ? Number.POSITIVE_INFINITY : outcome.atMs;
    if (outcome.type === "ended") {
      return [{ callMs, atMs, apply: (state) => (epochOf(state) === outcome.current ? state : undefined) }];
    }
    const stored = entries.find((entry) => entry.id === id);
    if (stored === undefined) return [];
    const fits = (state: readonly ReadEntry[]) => state.length === stored.seq - 1 && epochOf(state) === epoch;
    return [{ callMs, atMs, apply: (state) => (fits(state) ? [...state, stored] : undefined) }];
  };
  return [...appends.flatMap(fromAppend), ...looks.map(fromLook)];
}

/** Tries every order: what the checker does without. */
function canHappen(left: readonly Step[], state: readonly ReadEntry[]): boolean {
  return (
    left.length === 0 ||
    left.some((step) => {
      if (left.some(({ atMs }) => atMs < step.callMs)) return false;
      const next = step.apply(state);
      return (
        next !== undefined &&
        canHappen(
          left.filter((one) => one !== step),
          next,
        )
      );
    })
  );
}

test("the checker agrees with a search through all orders, for 4,000 small histories", () => {
  const random = new SeededRandom(20_261_129);
  let linearizable = 0;
  for (let n = 0; n < 4_000; n++) {
    const history = smallHistory(random);
    const expected = canHappen(steps(history), []);
    if (expected) linearizable += 1;
    const fits = checkLog(history).length === 0;
    expect({ history, fits }).toEqual({ history, fits: expected });
  }
  expect(linearizable).toBeGreaterThan(1_000);
  expect(linearizable).toBeLessThan(3_000);
});

/** Stored entries of right epochs, and looks and refusals that are right about the log but may be at wrong times. */
function smallHistory(random: SeededRandom): LogHistory {
  const span = (from: number) => {
    const callMs = Math.max(0, from + random.integer(11) - 5);
    return { callMs, atMs: callMs + 1 + random.integer(4) };
  };
  const entries: ReadEntry[] = [];
  const appends: AppendCall[] = [];
  const looks: Look[] = [];
  let at = 0;
  for (let i = 0; i < 3 + random.integer(3); i++) {
    const epoch = epochOf(entries);
    const { callMs, atMs } = span(at);
    const choice = random.integer(6);
    if (choice < 4) {
      const seq = entries.length + 1;
      const kind = choice === 3 ? "commit" : "message";
      entries.push({ seq, id: `e${seq}`, kind, epoch });
      const outcome = random.chance(0.2)
        ? { type: "unknown" as const }
        : { type: "stored" as const, seq, atMs };
      appends.push({ id: `e${seq}`, kind, epoch, callMs, outcome });
    } else if (choice === 4 || epoch === 0) {
      looks.push({ head: entries.length, epoch, callMs, atMs });
    } else {
      const ended = random.integer(epoch);
      const winner = entries.find((entry) => entry.kind === "commit" && entry.epoch === ended);
      const outcome = { type: "ended" as const, winnerSeq: winner?.seq ?? 0, current: epoch, atMs };
      appends.push({ id: `r${i}`, kind: "commit", epoch: ended, callMs, outcome });
    }
    at += random.integer(4);
  }
  return { first: { seq: 0, epoch: 0 }, appends, looks, given: [], entries };
}
