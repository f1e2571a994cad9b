import { describe, expect, test } from "vitest";
import type { Message } from "../src/api.ts";
import { type ExportedHistory, renderHtml, renderJson, renderText } from "../src/readable.ts";

const hostile = `</p></li><script>alert("x")</script>'&\u001b[2J\u202e`;
const message = (changes: Partial<Message>): Message => ({
  id: "0".repeat(32),
  direction: "in",
  from: "+15551230002",
  to: "+15551230001",
  conversation: "+15551230002",
  suite: "mls",
  body: "hello",
  status: "read",
  sentAt: 1_700_000_000,
  ...changes,
});
const history: ExportedHistory = {
  self: {
    identifier: "+15551230001",
    accountId: "a".repeat(32),
    deviceId: "d".repeat(32),
    serverOrigin: "https://chat.example.org",
    serverFingerprint: "f".repeat(43),
  },
  exportedAtSec: 1_700_000_100,
  conversations: [
    {
      peer: `${hostile}@example.org`,
      groupId: undefined,
      messages: [
        message({ from: hostile, body: `${hostile}\nsecond line` }),
        message({ direction: "out", status: "failed", problem: hostile, sentAt: 1_700_200_000 }),
      ],
    },
    { peer: "empty@example.org", groupId: undefined, messages: [] },
    { peer: "Book club", groupId: "c".repeat(32), messages: [] },
  ],
};

describe("the readable copy", () => {
  test("HTML: whatever stands in a message, a name or a problem, it is text", () => {
    const html = renderHtml(history);
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toContain("\u001b");
    expect(html).not.toContain("\u202e");
    expect(html.match(/&lt;script&gt;/g)).toHaveLength(4);
    expect(html.match(/<(\w+)/g)?.length).toBe((html.match(/<\/\w+|<meta|<!doctype/g)?.length ?? 0) - 1);
    expect(html).toContain("default-src 'none'");
    expect(html.match(/<h3>/g)).toHaveLength(2);
    expect(html).toContain("No messages.");
    expect(html).toContain("<h2>Group <bdi>Book club</bdi></h2>");
  });

  test("text: no control character but newlines", () => {
    const text = renderText(history);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text).toContain("2 messages");
    expect(text).toContain("Group Book club: 0 messages");
    expect(text).toContain("    second line");
  });

  test("JSON: exactly what was written", () => {
    const document = JSON.parse(renderJson(history)) as { conversations: { messages: { body: string }[] }[] };
    expect(document).toMatchObject({ format: "sotto-history/v1", exported_at: 1_700_000_100 });
    expect(document.conversations[2]).toEqual({ peer: "Book club", group_id: "c".repeat(32), messages: [] });
    expect(document.conversations[0]?.messages[0]?.body).toBe(`${hostile}\nsecond line`);
  });
});
