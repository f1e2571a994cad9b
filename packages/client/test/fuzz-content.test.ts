/**
 * What members of a group, and a lying device of one's own, can make this client read: contents of messages, the data of groups, parts of
 * the history. At least 100,000 seeded inputs each are taken or refused with their code, and what is taken keeps the limits.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { HistoryPartSchema, LIMITS, decode, toHex, utf8 } from "@sotto/protocol";
import { fuzz, mutatedBytes, withSeed } from "@sotto/testkit";
import { expect, test, vi } from "vitest";
import { receiptsOf, recordOf } from "../src/core/devices/history-record.ts";
import { isEmoji } from "../src/core/emoji.ts";
import { encodeContent, parseContent, type CheckedContent } from "../src/core/groups/content.ts";
import { encodeGroupData, newGroupData, pairData, parseGroupData } from "../src/core/groups/data.ts";

vi.setConfig({ testTimeout: 120_000 });

const count = 100_000;
const bytes = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const [ann, ben, id] = [bytes(1), bytes(2), bytes(3)].map(toHex) as [string, string, string];

type Known = Exclude<CheckedContent["body"], { readonly type: "unknown" }>;

const bodies: readonly Known[] = [
  { type: "text", text: "hello" },
  {
    type: "text",
    text: "yes",
    replyTo: { account: ann, id, excerpt: "shall we?" },
    forwarded: true,
    expiresAfterSec: 86_400,
  },
  { type: "reaction", target: { account: ben, id }, emoji: "👨‍👩‍👧‍👦" },
  { type: "edit", message: id, text: "hello!" },
  { type: "delete", message: id },
  { type: "receipt", status: "read", ids: [id, ann] },
  { type: "leave" },
];
const contents = bodies.map((body) =>
  encodeContent({ id, sentAtMs: 1_795_464_000_123, from: "ann@example.org", body }),
);

const fits = (text: string, most: number): boolean => utf8(text).length <= most;
const isId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

function checkBody(body: CheckedContent["body"]): void {
  switch (body.type) {
    case "text": {
      const { text, replyTo, expiresAfterSec = 0 } = body;
      if (!fits(text, LIMITS.maxTextBytes) || expiresAfterSec > LIMITS.maxTimerSec)
        throw new Error("too much");
      if (replyTo === undefined) return;
      if (!fits(replyTo.excerpt, LIMITS.maxExcerptBytes)) throw new Error("too much is quoted");
      if (!isId(replyTo.account) || !isId(replyTo.id)) throw new Error("no name");
      return;
    }
    case "reaction":
      if (body.emoji !== "" && !isEmoji(body.emoji)) throw new Error("no emoji");
      if (!isId(body.target.account) || !isId(body.target.id)) throw new Error("no name");
      return;
    case "edit":
      if (!fits(body.text, LIMITS.maxTextBytes) || !isId(body.message)) throw new Error("too much");
      return;
    case "delete":
      if (!isId(body.message)) throw new Error("no name");
      return;
    case "receipt":
      if (body.ids.length > LIMITS.maxReceiptsPerMessage || !body.ids.every(isId))
        throw new Error("too many");
  }
}

test("contents of messages", async () => {
  const kinds = new Set<string>();
  const report = await withSeed(0x50790, (random) =>
    fuzz(
      count,
      () => mutatedBytes(random, contents),
      (input) => {
        const content = parseContent(input);
        const { body } = content;
        kinds.add(body.type);
        checkBody(body);
        if (body.type === "unknown" || body.type === "account-sync") return;
        const again = parseContent(encodeContent({ ...content, from: content.claim ?? "", body }));
        expect(again).toEqual(content);
      },
      ["message_refused"],
    ),
  );
  expect(report.executed).toBeGreaterThanOrEqual(count);
  expect(report.taken).toBeGreaterThan(1_000);
  expect(report.refused["message_refused"]).toBeGreaterThan(1_000);
  expect(kinds.size).toBeGreaterThanOrEqual(7);
});

test("the data of groups", async () => {
  const corpus = [
    { ...newGroupData("Choir", ann), timerSec: 60 },
    { ...pairData, timerSec: LIMITS.maxTimerSec },
  ].map(encodeGroupData);
  const report = await withSeed(0x50791, (random) =>
    fuzz(
      count,
      () => mutatedBytes(random, corpus),
      (input) => {
        const data = parseGroupData(input);
        if (data.timerSec > LIMITS.maxTimerSec) throw new Error("a timer that is none");
        expect(parseGroupData(encodeGroupData(data))).toEqual(data);
      },
      ["mls_invalid"],
    ),
  );
  expect(report.taken).toBeGreaterThan(1_000);
  expect(report.refused["mls_invalid"]).toBeGreaterThan(1_000);
});

test("parts of the history", async () => {
  const name = { accountId: bytes(1), messageId: bytes(3) };
  const part = create(HistoryPartSchema, {
    messages: [
      {
        id: bytes(3),
        order: 7n,
        conversation: { case: "peerAccountId", value: bytes(1) },
        outgoing: true,
        body: "at seven",
        status: "read",
        sentAtSec: 1_795_464_000n,
        suite: "mls",
        senderAccountId: bytes(2),
        replyTo: { message: name, excerpt: "when?" },
        forwarded: true,
        editedAtMs: 1_795_464_000_123n,
        editId: bytes(4),
        reactions: [{ accountId: bytes(1), emoji: "👍", sentAtMs: 1n, id: bytes(5) }],
        receipts: [{ accountId: bytes(1), deliveredAtSec: 1n, readAtSec: 2n }],
        expiresAfterSec: 60,
        expiresAtSec: 1_795_464_060n,
      },
      { id: bytes(6), kind: "timer", timerSec: 60, status: "read", suite: "mls" },
      { id: bytes(7), deleted: true, status: "sent", suite: "mls", outgoing: true },
    ],
  });
  let kept = 0;
  const report = await withSeed(0x50792, (random) =>
    fuzz(
      count,
      () => mutatedBytes(random, [toBinary(HistoryPartSchema, part)]),
      (input) => {
        for (const message of decode(HistoryPartSchema, input).messages) {
          receiptsOf(message);
          const record = recordOf(message, ann);
          if (record === undefined) continue;
          kept += 1;
          const { replyTo, expiresAfterSec = 0, reactions = [], body } = record;
          checkBody({ type: "text", text: body, expiresAfterSec });
          if (replyTo !== undefined)
            checkBody({ type: "text", text: "", replyTo: { excerpt: "", ...replyTo } });
          for (const { account, emoji } of reactions) {
            checkBody({ type: "reaction", emoji, target: { account, id: record.id } });
          }
          if (!Number.isSafeInteger(record.expiresAt ?? 0) || !Number.isSafeInteger(record.sentAt)) {
            throw new Error("an impossible time");
          }
        }
      },
      ["malformed", "too_large"],
    ),
  );
  expect(report.taken).toBeGreaterThan(1_000);
  expect(kept).toBeGreaterThan(1_000);
});
