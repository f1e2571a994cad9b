/** Attachments on a line: what people read of them, in every view. */
import type { Message } from "@sotto/client";
import { expect, test } from "vitest";
import { attachmentLines, formatSize, textOf } from "@sotto/client/readable";
import { messageLines } from "../src/chat/lines.ts";
import { transferBar } from "../src/io/progress.ts";

const message: Message = {
  id: "0".repeat(32),
  conversation: "+15551230002",
  direction: "in",
  from: "+15551230002",
  to: "+15551230001",
  suite: "mls",
  body: "",
  status: "received",
  sentAt: 1_800_000_000,
  attachments: [
    { name: "photo.jpg", type: "image/jpeg", size: 1_449_000, width: 4, height: 3, thumbnail: false },
    { name: "file", type: "audio/ogg", size: 40_100, durationMs: 72_400, voice: true, thumbnail: false },
  ],
};

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [9_950, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [104_857_600, "105 MB"],
  [3_400_000_000, "3.4 GB"],
  [5_000_000_000_000, "5000 GB"],
])("%i bytes are %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test("a line each; a number where there are several", () => {
  expect(attachmentLines(message)).toEqual([
    "+ 1: photo.jpg (image/jpeg, 1.4 MB)",
    "+ 2: file (voice, audio/ogg, 1:12, 40 kB)",
  ]);
  const one = { ...message, attachments: message.attachments?.slice(0, 1) ?? [] };
  expect(textOf(one)).toBe("+ photo.jpg (image/jpeg, 1.4 MB)");
  expect(textOf({ ...one, body: "look" })).toBe("look\n+ photo.jpg (image/jpeg, 1.4 MB)");
  expect(textOf({ ...one, deleted: true })).not.toContain("photo");
});

test("the chat shows them below the text", () => {
  const rows = messageLines({ ...message, body: "look" }, 60).map((line) =>
    line.map(({ text }) => text).join(""),
  );
  expect(rows.map((row) => row.slice(7))).toEqual(["look", ...attachmentLines(message)]);
});

test("progress in sizes, of nothing too", () => {
  expect(transferBar(1_500_000, 3_000_000)).toBe(`${"█".repeat(12)}${"░".repeat(12)}  1.5 MB of 3.0 MB`);
  expect(transferBar(0, 0)).toBe(`${"█".repeat(24)}  0 B of 0 B`);
});
