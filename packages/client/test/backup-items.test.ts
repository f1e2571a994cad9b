/** The content of a backup file as items: they come back however they are cut, and what breaks the order or the form is refused. */
import { concatBytes, utf8, type BackupItem } from "@sotto/protocol";
import { SeededRandom, fuzz, mutatedBytes, withSeed } from "@sotto/testkit";
import { describe, expect, test, vi } from "vitest";
import { MAX_BACKUP_ITEM_BYTES, itemReader, packItem } from "../src/core/backup/items.ts";

vi.setConfig({ testTimeout: 120_000 });

const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const account = packItem({
  case: "account",
  value: { identifier: "ann@example.org", serverOrigin: "https://chat.example.org", madeAtSec: 1n },
});
const contact = packItem({ case: "contact", value: { accountId: id(2), acceptedKey: new Uint8Array(32) } });
const group = packItem({ case: "group", value: { logId: id(3), epoch: 4n, accountIds: [id(1), id(2)] } });
const history = packItem({
  case: "history",
  value: {
    messages: [
      { id: id(4), body: "hello" },
      { id: id(5), body: "again", order: 1n },
    ],
  },
});
const end = packItem({ case: "end", value: { messages: 2n } });
const whole = [account, contact, group, history, end];

/** Reads bytes in pieces. */
function read(bytes: Uint8Array, pieceOf: () => number = () => bytes.length): readonly BackupItem[] {
  const reader = itemReader();
  const items: BackupItem[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.max(1, pieceOf());
    items.push(...reader.push(bytes.subarray(at, at + length)));
    at += length;
  }
  reader.end();
  return items;
}
const cases = (items: readonly BackupItem[]) => items.map(({ item }) => item.case);
const refused = expect.objectContaining({ code: "backup_damaged" }) as Error;

describe("items of a backup", () => {
  test("come back however the bytes are cut", async () => {
    const bytes = concatBytes(...whole);
    const expected = ["account", "contact", "group", "history", "end"];
    expect(cases(read(bytes))).toEqual(expected);
    expect(cases(read(bytes, () => 1))).toEqual(expected);
    const random = new SeededRandom(1);
    for (let i = 0; i < 100; i++) expect(cases(read(bytes, () => random.integer(40)))).toEqual(expected);
  });

  test.each([
    ["nothing", []],
    ["no account first", [contact, account, history, end]],
    ["a second account", [account, account, history, end]],
    ["no end", [account, history]],
    ["another number of messages", [account, contact, end]],
    ["something after the end", [account, history, end, contact]],
    ["a second end", [account, history, end, end]],
    ["bytes after the end", [account, history, end, Uint8Array.of(0)]],
    ["an item that is cut off", [account, history.subarray(0, -1)]],
    ["an empty item", [account, new Uint8Array(4), history, end]],
    ["an item that is none", [account, concatBytes(Uint8Array.of(0, 0, 0, 3), utf8("abc")), history, end]],
  ] as const)("%s is refused", (_, items) => {
    expect(() => read(concatBytes(...items))).toThrow(refused);
  });

  test("a length beyond the largest item is refused before anything is gathered", () => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, MAX_BACKUP_ITEM_BYTES + 1);
    const reader = itemReader();
    reader.push(account);
    expect(() => reader.push(length)).toThrow(refused);
  });

  test("100,000 inputs are taken or refused with their code, and nothing else", async () => {
    const corpus = [concatBytes(...whole), ...whole];
    const report = await withSeed(0x50791, (random) =>
      fuzz(
        100_000,
        () => mutatedBytes(random, corpus),
        (input) => void read(input, () => 1 + random.integer(input.length)),
        ["backup_damaged"],
      ),
    );
    expect(report.refused["backup_damaged"]).toBeGreaterThan(50_000);
    expect(report.taken).toBeGreaterThan(1_000);
  });
});
