/** What changes make of a message: the same on every device, in whatever order they come. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changed, isLater } from "../src/core/message-changes.ts";
import { excerptOf } from "../src/core/quotes.ts";
import type { MessageChange, MessageRecord } from "../src/core/records.ts";

const [ann, ben] = ["a".repeat(32), "b".repeat(32)];
const target = { account: ann, id: "0".repeat(32) };
const message: MessageRecord = {
  id: target.id,
  direction: "in",
  body: "first",
  status: "read",
  sentAt: 1_790_000_000,
  suite: "mls",
  sender: ann,
  replyTo: { account: ben, id: "1".repeat(32) },
  forwarded: true,
  expiresAfterSec: 60,
};

const apply = (record: MessageRecord, changes: readonly MessageChange[]): MessageRecord =>
  changes.reduce((now, change) => changed(now, change) ?? now, record);

/** Reactions by who gave them: their order on the screen is when they came. */
const normal = (record: MessageRecord) => ({
  ...record,
  reactions: record.reactions?.toSorted((a, b) => (a.account < b.account ? -1 : 1)),
});

const stamp = fc.record({
  atMs: fc.integer({ min: 1, max: 4 }),
  id: fc.constantFrom("2".repeat(32), "3".repeat(32)),
});
const by = fc.constantFrom(ann, ben);
const change: fc.Arbitrary<MessageChange> = fc.oneof(
  fc
    .record({ by, stamp, emoji: fc.constantFrom("👍", "👎", "") })
    .map((one) => ({ type: "reaction" as const, target, ...one })),
  fc
    .record({ by, stamp, text: fc.constantFrom("second", "third") })
    .map((one) => ({ type: "edit" as const, target, ...one })),
  fc.record({ by, stamp }).map((one) => ({ type: "delete" as const, target, ...one })),
);

/** Nobody says two things with one stamp. */
const distinct = (changes: readonly MessageChange[]): boolean =>
  new Set(changes.map(({ type, by: who, stamp: { atMs, id } }) => `${type} ${who} ${atMs} ${id}`)).size ===
  changes.length;

describe("changes", () => {
  test("come to the same in any order, and twice is once", () => {
    const some = fc.array(change, { maxLength: 8 }).filter(distinct);
    const shuffled = some.chain((changes) =>
      fc.tuple(fc.constant(changes), fc.shuffledSubarray(changes, { minLength: changes.length })),
    );
    fc.assert(
      fc.property(shuffled, ([changes, other]) => {
        const one = apply(message, changes);
        expect(normal(apply(message, other))).toEqual(normal(one));
        expect(apply(one, changes)).toEqual(one);
      }),
      { seed: 0x50771, numRuns: 3_000 },
    );
  });

  test("of others never touch text or existence, and nothing is left of what was taken back", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const others = changes.filter((one) => one.by !== ann);
        const untouched = apply(message, others);
        expect({ ...untouched, reactions: undefined }).toEqual({ ...message, reactions: undefined });
        const after = apply(message, changes);
        const isTakenBack = changes.some((one) => one.type === "delete" && one.by === ann);
        expect(after.deleted === true).toBe(isTakenBack);
        if (!isTakenBack) return;
        const { id, direction, status, sentAt, suite, sender, expiresAfterSec } = message;
        const left = { id, direction, body: "", status, sentAt, suite, sender, expiresAfterSec };
        expect(after).toEqual({ ...left, deleted: true });
      }),
      { seed: 0x50772, numRuns: 3_000 },
    );
  });

  test("do nothing to classic messages and to lines, and edits nothing to what is no text", () => {
    const { suite: _, ...classic } = message;
    const edit = { type: "edit", target, by: ann, stamp: { atMs: 1, id: "2" }, text: "x" } as const;
    const reaction = { type: "reaction", target, by: ann, stamp: edit.stamp, emoji: "👍" } as const;
    expect(changed(classic, edit)).toBeUndefined();
    expect(changed(classic, reaction)).toBeUndefined();
    expect(changed({ ...message, kind: "timer", timer: 1 }, reaction)).toBeUndefined();
    expect(changed({ ...message, kind: "unknown" }, edit)).toBeUndefined();
    expect(changed({ ...message, kind: "unknown" }, reaction)?.reactions).toHaveLength(1);
  });

  test("are bounded: 1,024 people have a reaction to one message", () => {
    let record = message;
    for (let n = 0; n < 1_030; n++) {
      const account = n.toString(16).padStart(32, "0");
      const one = { by: account, stamp: { atMs: n, id: account }, emoji: "👍" };
      record = changed(record, { type: "reaction", target, ...one }) ?? record;
    }
    expect(record.reactions).toHaveLength(1_024);
    const first = { by: "0".repeat(32), stamp: { atMs: 9_999, id: "5" }, emoji: "👎" };
    expect(changed(record, { type: "reaction", target, ...first })?.reactions).toHaveLength(1_024);
  });

  test("are later by their time, then by their id", () => {
    expect(isLater({ atMs: 0, id: "a" }, undefined)).toBe(true);
    expect(isLater({ atMs: 2, id: "a" }, { atMs: 1, id: "b" })).toBe(true);
    expect(isLater({ atMs: 1, id: "b" }, { atMs: 1, id: "a" })).toBe(true);
    expect(isLater({ atMs: 1, id: "a" }, { atMs: 1, id: "a" })).toBe(false);
    expect(isLater({ atMs: 1, id: "b" }, { atMs: 2, id: "a" })).toBe(false);
  });
});

test("an excerpt is the beginning of a text, whole characters, at most 512 bytes", () => {
  expect(excerptOf("short")).toBe("short");
  expect(excerptOf("x".repeat(600))).toBe("x".repeat(512));
  expect(excerptOf("é".repeat(600))).toBe("é".repeat(256));
  expect(excerptOf(`${"x".repeat(500)}👨‍👩‍👧‍👦`)).toBe("x".repeat(500));
  expect(excerptOf("")).toBe("");
  // A character longer than all that may be quoted is not quoted, whole or in part.
  expect(excerptOf(`a${"\u0301".repeat(1_000)}`)).toBe("");
});
