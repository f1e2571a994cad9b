import { describe, expect, test } from "vitest";
import type { Message } from "@sotto/client";
import { messageLines, windowOf, type Line } from "../../src/chat/lines.ts";
import type { Thread } from "../../src/chat/model.ts";
import { width } from "../../src/chat/text.ts";

const message = (id: number, changes: Partial<Message> = {}): Message => ({
  id: String(id),
  direction: "in",
  from: "+15551230002",
  to: "+15551230001",
  conversation: "+15551230002",
  suite: "mls",
  body: `message ${id}`,
  status: "received",
  sentAt: 1_700_000_000,
  ...changes,
});
const thread = (count: number, changes: Partial<Thread> = {}): Thread => ({
  messages: Array.from({ length: count }, (_, index) => message(index)),
  notices: [],
  hasOlder: false,
  ...changes,
});
const text = (line: Line): string => line.map((span) => span.text).join("");

describe("lines of a message", () => {
  test("state stands at the right edge, in words", () => {
    const [line] = messageLines(message(1, { direction: "out", status: "delivered", body: "hi" }), 40);
    expect(text(line!)).toMatch(/^\d\d:\d\d {2}hi +✓✓ delivered$/);
    expect(width(text(line!))).toBe(40);
  });

  test("state takes its own line when the text leaves no room", () => {
    const lines = messageLines(message(1, { direction: "out", status: "sent", body: "x".repeat(33) }), 40);
    expect(lines.map(text).at(-1)).toMatch(/^ +✓ sent$/);
  });

  test.each([24, 40, 53, 120])("no line is wider than %i columns, whatever the text", (columns) => {
    const bodies = [
      "日本語".repeat(50),
      "\u001b[31m\u202e".repeat(30),
      "a ".repeat(100),
      "\n\n",
      "👩‍👩‍👧".repeat(40),
    ];
    for (const body of bodies) {
      for (const status of ["queued", "sent", "delivered", "read", "failed"] as const) {
        const options = { direction: "out", status, body, problem: "no_usable_key" } as const;
        for (const line of messageLines(message(1, options), columns)) {
          expect(width(text(line))).toBeLessThanOrEqual(columns);
          // oxlint-disable-next-line no-control-regex
          expect(text(line)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        }
      }
    }
  });
});

const said = (id: number, from: string): Message =>
  message(id, { from, to: "Club", conversation: "Club", groupId: "c".repeat(32) });

describe("the window onto a conversation", () => {
  test("shows the newest lines, a day and the writer once", () => {
    const { lines, below, atTop } = windowOf(thread(3), 40, 10, 0);
    expect(lines.map(text)).toEqual([
      expect.stringContaining("2023-11-14"),
      "+15551230002",
      expect.stringContaining("message 0"),
      expect.stringContaining("message 1"),
      expect.stringContaining("message 2"),
    ]);
    expect({ below, atTop }).toEqual({ below: 0, atTop: true });
  });

  test("scrolls up to the oldest line and no further", () => {
    const middle = windowOf(thread(50), 40, 10, 5);
    expect(text(middle.lines.at(-1)!)).toContain("message 44");
    expect(middle).toMatchObject({ below: 5, atTop: false });
    const top = windowOf(thread(50), 40, 10, 1_000);
    expect(top).toMatchObject({ below: 42, atTop: true });
    expect(top.lines).toHaveLength(10);
  });

  test("puts notices where they came", () => {
    const notices = [{ id: 0, afterId: "1", text: "one message never arrived", tone: "warning" } as const];
    const { lines } = windowOf(thread(3, { notices }), 40, 10, 0);
    expect(lines.map(text).slice(-3)).toEqual([
      expect.stringContaining("message 1"),
      "! one message never arrived",
      expect.stringContaining("message 2"),
    ]);
  });

  test("in a group each writer is named, and marked where verified; what happened stands between, quietly", () => {
    const messages = [said(0, "ann@example.org"), said(1, "ann@example.org"), said(2, "+15551230003")];
    const notices = [{ id: 0, afterId: "1", text: "You added +15551230003.", tone: "info" }] as const;
    const verified = new Set(["ann@example.org"]);
    const { lines } = windowOf({ messages, notices, hasOlder: false }, 40, 10, 0, {
      verified,
      picked: undefined,
    });
    expect(lines.map(text).slice(1)).toEqual([
      "ann@example.org ✓",
      expect.stringContaining("message 0"),
      expect.stringContaining("message 1"),
      "· You added +15551230003.",
      "+15551230003",
      expect.stringContaining("message 2"),
    ]);
  });

  test("lays out only what it shows: 100,000 messages cost as much as 100", () => {
    const many = thread(100_000);
    let reads = 0;
    const counted = new Proxy(many.messages, {
      get: (target, key, receiver) => {
        if (typeof key === "string" && /^\d+$/.test(key)) reads += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    windowOf({ ...many, messages: counted }, 40, 20, 10);
    expect(reads).toBeLessThan(100);
  });
});

const lined = (changes: Partial<Message>, columns = 80): readonly string[] =>
  messageLines({ ...said(0, "ann@example.org"), ...changes }, columns).map((row) => text(row).trimEnd());
const by = (from: string, emoji: string, own = false) => ({
  emoji,
  from,
  accountId: "a".repeat(32),
  own,
  at: 0,
});

describe("what stands around a message", () => {
  test("what it answers, on one line; who had it not, sees that it is only quoted", () => {
    const quote = { id: "1", from: "bob@example.org", body: "shall\nwe?", found: true };
    expect(lined({ replyTo: quote })).toEqual([
      expect.stringMatching(/^\d\d:\d\d {2}> bob@example.org: shall⏎we\?$/),
      "       message 0",
    ]);
    expect(lined({ replyTo: { ...quote, found: false } })[0]).toContain("(as quoted): shall");
    expect(lined({ replyTo: { ...quote, body: "" } })[0]).toContain("(taken back)");
    expect(lined({ replyTo: { ...quote, body: undefined, found: false } })[0]).toContain("(a message that");
    expect(lined({ replyTo: { ...quote, body: "x".repeat(1_000) } })[0]?.length).toBeLessThanOrEqual(80);
  });

  test("reactions, counted, one's own in brackets; marks; what was taken back", () => {
    const reactions = [by("a", "👍"), by("b", "🎉", true), by("c", "👍")];
    expect(lined({ reactions }).at(-1)).toBe("       👍 2  [🎉]");
    expect(lined({ editedAt: 1, forwarded: true, expiresAfter: 60 })[0]).toMatch(
      /message 0 +forwarded, edited, disappears$/,
    );
    expect(lined({ body: "", deleted: true, editedAt: 1 })).toEqual([
      expect.stringMatching(/^\d\d:\d\d {2}\(taken back\)$/),
    ]);
    const emoji = "\u001b[2J";
    expect(lined({ reactions: [by("a", emoji)] }).join()).not.toContain("\u001b");
  });

  test("a line about the timer has no state", () => {
    const timer = {
      kind: "timer",
      timer: 60,
      direction: "out",
      status: "sent",
      body: "gone in a minute",
    } as const;
    expect(lined(timer)).toEqual([expect.stringMatching(/gone in a minute$/)]);
  });
});
