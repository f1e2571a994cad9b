/**
 * What every adapter of the server's storage port must do, as one suite that all of them run.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  EntryKind,
  accountId,
  deviceId,
  logId,
  slotId,
  type DeviceId,
  type LogId,
  type SlotId,
} from "@sotto/protocol";
import type { DeviceListChange, Store, StoreOperation, StoreResult } from "@sotto/server";
import { accountDeletionConformance } from "./account-deletion-conformance.ts";
import { blobRecordConformance } from "./blob-conformance.ts";
import { keyPackageConformance } from "./key-package-conformance.ts";
import { pushConformance } from "./push-conformance.ts";
import { recoveryConformance } from "./recovery-conformance.ts";

/** Bounds that stores are opened with, so that the suite can reach them. */
export interface ConformanceLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxSlots: number;
}

const limits: ConformanceLimits = { maxEntries: 20, maxBytes: 4_000, maxSlots: 3 };
const now = 1_800_000_000;

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const text = (n: number): Uint8Array => new TextEncoder().encode(`entry ${n}`);

const inbox = logId(id(1));
const talk = logId(id(2));
const slotA = slotId(id(10));
const slotB = slotId(id(11));

type Of<Type extends StoreOperation["type"]> = Extract<StoreOperation, { type: Type }>;

function append(log: LogId, over: Partial<Of<"append">> = {}): Of<"append"> {
  return {
    type: "append",
    log,
    tokenHash: log === inbox ? undefined : hash(0),
    epoch: 0,
    kind: EntryKind.MESSAGE,
    body: text(0),
    nextTokenHash: undefined,
    nowSec: now,
    ...over,
  };
}
const commitOf = (epoch: number): Of<"append"> =>
  append(talk, {
    epoch,
    kind: EntryKind.COMMIT,
    tokenHash: hash(epoch),
    nextTokenHash: hash(epoch + 1),
  });
const ack = (log: LogId, seq: number, slot?: SlotId): Of<"ack"> => ({
  type: "ack",
  log,
  slot,
  seq,
  nowSec: now,
});
const createLog = (log: LogId): Of<"create-log"> => ({
  type: "create-log",
  log,
  epoch: 0,
  tokenHash: hash(0),
  nowSec: now,
});
const openSlot = (slot: SlotId, over: Partial<Of<"open-slot">> = {}): Of<"open-slot"> => ({
  type: "open-slot",
  log: talk,
  slot,
  tokenHash: hash(0),
  epoch: 0,
  afterSeq: undefined,
  nowSec: now,
  ...over,
});

const account = accountId(id(100));
const phone = deviceId(id(101));
const laptop = deviceId(id(102));

function device(of: DeviceId, inboxOf: LogId, revoked = false): DeviceListChange["devices"][number] {
  return { device: of, signatureKey: hash(of[0] ?? 0), inbox: inboxOf, revoked };
}
const list = (version: number, devices: DeviceListChange["devices"]): DeviceListChange => ({
  account,
  version,
  signedList: text(version),
  devices,
  nowSec: now,
});
const firstList = list(1, [device(phone, inbox)]);

const ok = (seq: number): StoreResult => ({ ok: true, seq });

/**
 * Runs the suite.
 * @param open opens an empty store with these limits.
 * @param reopen closes the store and opens again what it left; undefined for stores that forget.
 */
export function storeConformance(
  name: string,
  open: (limits: ConformanceLimits) => Promise<Store>,
  reopen: ((store: Store, limits: ConformanceLimits) => Promise<Store>) | undefined,
): void {
  describe(`store conformance: ${name}`, () => {
    let store: Store;
    const one = async (operation: StoreOperation): Promise<StoreResult | undefined> =>
      (await store.commit([operation]))[0];
    const seqs = async (log: LogId, after = 0, through = 1_000): Promise<number[]> =>
      (await store.readEntries(log, after, through, 1_000, 1_000_000)).map(({ seq }) => seq);
    const again = async (): Promise<void> => {
      if (reopen !== undefined) store = await reopen(store, limits);
    };

    beforeEach(async () => {
      store = await open(limits);
    });
    afterEach(async () => {
      await store.close();
    });

    describe("inboxes", () => {
      beforeEach(async () => {
        expect(await store.createAccount(hash(50), firstList, undefined)).toBe("created");
      });

      test("number entries 1, 2, 3 and give them back as they were", async () => {
        const results = await store.commit([1, 2, 3].map((n) => append(inbox, { body: text(n) })));
        expect(results).toEqual([ok(1), ok(2), ok(3)]);
        await again();
        const entries = await store.readEntries(inbox, 0, 3, 10, 10_000);
        expect(entries.map(({ seq, epoch, kind }) => [seq, epoch, kind])).toEqual(
          [1, 2, 3].map((seq) => [seq, 0, EntryKind.MESSAGE]),
        );
        expect(entries.map(({ body }) => [...body])).toEqual([1, 2, 3].map((n) => [...text(n)]));
        expect(await one(append(inbox))).toEqual(ok(4));
      });

      test("tell the heads of many at once, in the order that was asked for", async () => {
        await store.commit([createLog(talk), append(inbox), append(inbox)]);
        expect(await store.readHeads([talk, inbox, logId(id(99)), inbox])).toEqual([0, 2, 0, 2]);
        expect(await store.readHeads([])).toEqual([]);
      });

      test("keep a body when its buffer is used again", async () => {
        const body = text(7);
        await one(append(inbox, { body }));
        body.fill(0);
        expect((await store.readEntries(inbox, 0, 1, 1, 1_000))[0]?.body).toEqual(text(7));
      });

      test("take an empty body", async () => {
        await one(append(inbox, { body: new Uint8Array() }));
        expect((await store.readEntries(inbox, 0, 1, 1, 1_000))[0]?.body.length).toBe(0);
      });

      test("read from a seq, through a seq, and no more than asked for", async () => {
        await store.commit(
          Array.from({ length: 10 }, (_, n) => append(inbox, { body: new Uint8Array(100).fill(n) })),
        );
        expect(await seqs(inbox, 4)).toEqual([5, 6, 7, 8, 9, 10]);
        expect(await seqs(inbox, 4, 6)).toEqual([5, 6]);
        expect((await store.readEntries(inbox, 2, 10, 3, 10_000)).length).toBe(3);
        expect((await store.readEntries(inbox, 0, 10, 10, 250)).length).toBe(2);
        expect((await store.readEntries(inbox, 0, 10, 10, 1)).length).toBe(1);
        expect(await store.readEntries(inbox, 10, 20, 10, 1_000)).toEqual([]);
      });

      test("lose what is acked, and never reuse its seq", async () => {
        await store.commit([append(inbox), append(inbox), append(inbox), ack(inbox, 2)]);
        expect(await seqs(inbox)).toEqual([3]);
        expect(await store.readCursor(inbox, undefined)).toBe(2);
        expect(await one(ack(inbox, 1))).toEqual(ok(2));
        expect(await one(ack(inbox, 3))).toEqual(ok(3));
        await again();
        expect(await store.readLog(inbox)).toEqual({ kind: "inbox", headSeq: 3, trimmedSeq: 3, epoch: 0 });
        expect(await one(append(inbox))).toEqual(ok(4));
        expect(await seqs(inbox)).toEqual([4]);
      });

      test("are not acked beyond their head", async () => {
        await one(append(inbox));
        expect(await one(ack(inbox, 99))).toEqual(ok(1));
        await one(append(inbox));
        expect(await seqs(inbox)).toEqual([2]);
      });

      test("take no token, no epoch, no Commit and no slot", async () => {
        const refused = { ok: false, code: "log_refused" };
        expect(await one(append(inbox, { tokenHash: hash(0) }))).toMatchObject(refused);
        expect(await one(append(inbox, { epoch: 1 }))).toMatchObject(refused);
        expect(await one(append(inbox, { kind: EntryKind.COMMIT, nextTokenHash: hash(1) }))).toMatchObject(
          refused,
        );
        expect(await one(openSlot(slotA, { log: inbox }))).toMatchObject(refused);
        expect(await store.readLog(inbox)).toMatchObject({ headSeq: 0 });
      });

      test("are full at a number of entries and of bytes, until some are acked", async () => {
        for (let n = 0; n < limits.maxEntries; n++) {
          expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject({ ok: true });
        }
        const full = { ok: false, code: "quota_exceeded" };
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject(full);
        await again();
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject(full);
        await one(ack(inbox, limits.maxEntries));
        expect(await one(append(inbox, { body: new Uint8Array(limits.maxBytes) }))).toMatchObject({
          ok: true,
        });
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject(full);
        await again();
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject(full);
        await one(ack(inbox, limits.maxEntries + 1));
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject({
          ok: true,
          seq: limits.maxEntries + 2,
        });
      });

      test("count bytes exactly when some entries went and others stayed", async () => {
        await one(append(inbox, { body: new Uint8Array(limits.maxBytes - 500) }));
        await one(append(inbox, { body: new Uint8Array(500) }));
        await one(ack(inbox, 1));
        expect(await one(append(inbox, { body: new Uint8Array(limits.maxBytes - 500) }))).toMatchObject({
          ok: true,
        });
        expect(await one(append(inbox, { body: new Uint8Array(1) }))).toMatchObject({ ok: false });
      });

      test("that do not exist are refused", async () => {
        const nobody = logId(id(77));
        expect(await one(append(nobody, { tokenHash: undefined }))).toMatchObject({ code: "log_refused" });
        expect(await one(ack(nobody, 1))).toMatchObject({ ok: false });
        expect(await store.readLog(nobody)).toBeUndefined();
        expect(await store.readCursor(nobody, undefined)).toBeUndefined();
        expect(await store.readEntries(nobody, 0, 10, 10, 1_000)).toEqual([]);
      });
    });

    describe("conversation logs", () => {
      beforeEach(async () => {
        expect(await one(createLog(talk))).toEqual(ok(0));
      });

      test("are made once", async () => {
        expect(await one(createLog(talk))).toEqual({ ok: false, code: "log_exists" });
        expect(await store.readLog(talk)).toEqual({
          kind: "conversation",
          headSeq: 0,
          trimmedSeq: 0,
          epoch: 0,
        });
        expect(await store.readEpoch(talk, 0)).toEqual({
          tokenHash: hash(0),
          startSeq: 0,
          endedBySeq: undefined,
        });
      });

      test("need the token of the epoch", async () => {
        const refused = { ok: false, code: "log_refused" };
        expect(await one(append(talk))).toEqual(ok(1));
        expect(await one(append(talk, { tokenHash: hash(9) }))).toMatchObject(refused);
        expect(await one(append(talk, { tokenHash: undefined }))).toMatchObject(refused);
        expect(await one(append(talk, { tokenHash: new Uint8Array(31) }))).toMatchObject(refused);
        expect(await one(append(talk, { epoch: 1 }))).toMatchObject(refused);
        expect(await one(append(talk, { nextTokenHash: hash(1) }))).toMatchObject(refused);
        expect(await one(append(talk, { kind: EntryKind.COMMIT }))).toMatchObject(refused);
        expect(await store.readLog(talk)).toMatchObject({ headSeq: 1, epoch: 0 });
      });

      test("a Commit ends its epoch, and the first one wins", async () => {
        const ended = { ok: false, code: "epoch_ended", winnerSeq: 2, current: 1 };
        expect(await one(append(talk))).toEqual(ok(1));
        expect(await one(commitOf(0))).toEqual(ok(2));
        expect(await one(commitOf(0))).toEqual(ended);
        expect(await one(append(talk))).toEqual(ended);
        expect(await one(append(talk, { tokenHash: hash(9) }))).toMatchObject({ code: "log_refused" });
        expect(await one(append(talk, { epoch: 1, tokenHash: hash(1) }))).toEqual(ok(3));
        expect(await store.readEpoch(talk, 0)).toMatchObject({ startSeq: 0, endedBySeq: 2 });
        expect(await store.readEpoch(talk, 1)).toEqual({
          tokenHash: hash(1),
          startSeq: 2,
          endedBySeq: undefined,
        });
        expect(await store.readEpoch(talk, 2)).toBeUndefined();
        await again();
        expect(await one(commitOf(0))).toEqual(ended);
        expect(await one(commitOf(1))).toEqual(ok(4));
        expect(await one(append(talk))).toEqual({ ...ended, current: 2 });
      });

      test("the compare holds among the operations of one transaction", async () => {
        const results = await store.commit([
          append(talk),
          commitOf(0),
          commitOf(0),
          append(talk),
          append(talk, { epoch: 1, tokenHash: hash(1) }),
          commitOf(1),
          append(talk, { epoch: 1, tokenHash: hash(1) }),
          append(talk, { epoch: 2, tokenHash: hash(2) }),
        ]);
        expect(results).toEqual([
          ok(1),
          ok(2),
          { ok: false, code: "epoch_ended", winnerSeq: 2, current: 1 },
          { ok: false, code: "epoch_ended", winnerSeq: 2, current: 1 },
          ok(3),
          ok(4),
          { ok: false, code: "epoch_ended", winnerSeq: 4, current: 2 },
          ok(5),
        ]);
        await again();
        const entries = await store.readEntries(talk, 0, 9, 9, 10_000);
        expect(entries.map(({ seq, epoch }) => [seq, epoch])).toEqual([
          [1, 0],
          [2, 0],
          [3, 1],
          [4, 1],
          [5, 2],
        ]);
      });

      test("a log may begin at any epoch", async () => {
        const late = logId(id(3));
        await store.commit([{ ...createLog(late), epoch: 7 }]);
        expect(await one(append(late, { epoch: 7 }))).toEqual(ok(1));
        expect(await one(append(late, { epoch: 6 }))).toMatchObject({ code: "log_refused" });
      });

      test("entries stay until every slot has acked them", async () => {
        await store.commit([openSlot(slotA), openSlot(slotB)]);
        await store.commit([append(talk), append(talk), append(talk)]);
        await one(ack(talk, 3, slotA));
        expect(await seqs(talk)).toEqual([1, 2, 3]);
        await one(ack(talk, 1, slotB));
        expect(await seqs(talk)).toEqual([2, 3]);
        expect(await store.readLog(talk)).toMatchObject({ headSeq: 3, trimmedSeq: 1 });
        await again();
        await one(ack(talk, 3, slotB));
        expect(await seqs(talk)).toEqual([]);
        expect(await store.readCursor(talk, slotA)).toBe(3);
        expect(await store.readCursor(talk, slotB)).toBe(3);
      });

      test("a log without slots keeps its entries", async () => {
        await store.commit([append(talk), openSlot(slotA), append(talk), ack(talk, 2, slotA)]);
        expect(await seqs(talk)).toEqual([]);
        await store.commit([{ type: "close-slot", log: talk, slot: slotA }, append(talk)]);
        expect(await seqs(talk)).toEqual([3]);
      });

      test("closing the slowest slot lets its entries go", async () => {
        await store.commit([openSlot(slotA), openSlot(slotB), append(talk), append(talk)]);
        await one(ack(talk, 2, slotA));
        expect(await seqs(talk)).toEqual([1, 2]);
        expect(await one({ type: "close-slot", log: talk, slot: slotB })).toMatchObject({ ok: true });
        expect(await seqs(talk)).toEqual([]);
        expect(await store.readCursor(talk, slotB)).toBeUndefined();
        expect(await one({ type: "close-slot", log: talk, slot: slotB })).toMatchObject({
          code: "slot_unknown",
        });
        expect(await one(ack(talk, 2, slotB))).toMatchObject({ code: "slot_unknown" });
      });

      test("an ack never moves back, nor beyond the head", async () => {
        await store.commit([openSlot(slotA), append(talk), append(talk)]);
        expect(await one(ack(talk, 99, slotA))).toEqual(ok(2));
        expect(await one(ack(talk, 1, slotA))).toEqual(ok(2));
        expect(await store.readCursor(talk, slotA)).toBe(2);
      });

      test("a slot begins at the head, or where it is told, within its epoch", async () => {
        await store.commit([openSlot(slotB), append(talk), commitOf(0)]);
        await one(append(talk, { epoch: 1, tokenHash: hash(1) }));
        const inEpoch1 = { epoch: 1, tokenHash: hash(1) };
        expect(await one(openSlot(slotA, { ...inEpoch1, afterSeq: 0 }))).toEqual(ok(2));
        expect(await store.readCursor(talk, slotA)).toBe(2);
        expect(await one(openSlot(slotA, inEpoch1))).toEqual(ok(2));
        const slotC = slotId(id(12));
        expect(await one(openSlot(slotC, inEpoch1))).toEqual(ok(3));
        expect(await one(openSlot(slotId(id(13)), inEpoch1))).toMatchObject({ code: "slot_limit" });
        expect(await seqs(talk)).toEqual([1, 2, 3]);
      });

      test("a slot needs the token of an epoch of its log", async () => {
        expect(await one(openSlot(slotA, { tokenHash: hash(9) }))).toMatchObject({ code: "log_refused" });
        expect(await one(openSlot(slotA, { epoch: 1 }))).toMatchObject({ code: "log_refused" });
        expect(await one(openSlot(slotA, { log: logId(id(77)) }))).toMatchObject({ code: "log_refused" });
      });

      test("a new slot needs the token of the present epoch; a slot that is there does not", async () => {
        await one(openSlot(slotA, { afterSeq: 0 }));
        await one(commitOf(0));
        expect(await one(openSlot(slotB))).toEqual({
          ok: false,
          code: "epoch_ended",
          winnerSeq: 1,
          current: 1,
        });
        expect(await store.readCursor(talk, slotB)).toBeUndefined();
        expect(await one(openSlot(slotA))).toEqual(ok(0));
      });
    });

    test("a refused operation does not undo its neighbours", async () => {
      await store.createAccount(hash(50), firstList, undefined);
      const results = await store.commit([
        append(inbox),
        append(logId(id(77)), { tokenHash: undefined }),
        append(inbox),
      ]);
      expect(results.map((result) => result.ok)).toEqual([true, false, true]);
      await again();
      expect(await seqs(inbox)).toEqual([1, 2]);
    });

    test("an empty commit is fine", async () => {
      expect(await store.commit([])).toEqual([]);
    });

    describe("retention", () => {
      test("entries go after their time, oldest first, a bounded number at once", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        for (let n = 0; n < 6; n++) await one(append(inbox, { nowSec: now + n }));
        expect(await store.expire(now, 100)).toBe(0);
        expect(await store.expire(now + 4, 3)).toBe(3);
        expect(await seqs(inbox)).toEqual([4, 5, 6]);
        expect(await store.expire(now + 4, 3)).toBe(1);
        await again();
        expect(await seqs(inbox)).toEqual([5, 6]);
        expect(await store.readLog(inbox)).toMatchObject({ headSeq: 6, trimmedSeq: 4 });
        expect((await store.stats()).entries).toBe(2);
      });

      test("slots that nobody used are closed and hold nothing back", async () => {
        await store.commit([createLog(talk), openSlot(slotA), openSlot(slotB), append(talk)]);
        const later = now + 1_000_000;
        await store.commit([{ ...ack(talk, 1, slotA), nowSec: later }]);
        await one(append(talk, { nowSec: later }));
        await store.expire(later - 10, 100);
        expect(await store.readCursor(talk, slotB)).toBeUndefined();
        expect(await store.readCursor(talk, slotA)).toBe(1);
        expect(await seqs(talk)).toEqual([2]);
      });
    });

    describe("logs that are of no use any more", () => {
      const old = now + 1_000_000;

      test("go once they are old, and their ids are free again", async () => {
        await one(createLog(talk));
        expect(await store.expire(now, 100)).toBe(0);
        expect(await store.readLog(talk)).toBeDefined();
        expect(await store.expire(old, 100)).toBe(1);
        await again();
        expect(await store.readLog(talk)).toBeUndefined();
        expect(await store.readEpoch(talk, 0)).toBeUndefined();
        expect(await one(createLog(talk))).toEqual(ok(0));
      });

      test("stay while they have a slot or an entry, and inboxes stay in any case", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        await store.commit([createLog(talk), { ...openSlot(slotA), nowSec: old }]);
        await store.expire(old, 100);
        expect(await store.readLog(talk)).toBeDefined();
        await store.commit([append(talk, { nowSec: old }), { type: "close-slot", log: talk, slot: slotA }]);
        await store.expire(old, 100);
        expect(await store.readLog(talk)).toBeDefined();
        expect(await store.expire(old + 1, 100)).toBe(2);
        expect(await store.readLog(talk)).toBeUndefined();
        expect(await store.readLog(inbox)).toBeDefined();
      });
    });

    describe("accounts", () => {
      test("are found by identifier and by id", async () => {
        expect(await store.createAccount(hash(50), firstList, undefined)).toBe("created");
        await again();
        expect(await store.accountByIdentifier(hash(50))).toEqual({ account, newestVersion: 1 });
        expect(await store.accountById(account)).toEqual({ account, newestVersion: 1 });
        expect(await store.accountByIdentifier(hash(51))).toBeUndefined();
        expect(await store.accountById(accountId(id(99)))).toBeUndefined();
        expect(await store.countAccounts()).toBe(1);
        expect(await store.readDevice(account, phone)).toEqual({
          account,
          device: phone,
          signatureKey: hash(101),
          inbox,
          revoked: false,
          newestListVersion: 1,
          resetAtSec: undefined,
        });
        expect(await store.readDevice(account, laptop)).toBeUndefined();
        expect(await store.readDevice(accountId(id(99)), phone)).toBeUndefined();
      });

      test("take neither an identifier, an account nor an inbox that is taken", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        const other: DeviceListChange = {
          ...list(1, [device(laptop, logId(id(5)))]),
          account: accountId(id(99)),
        };
        expect(await store.createAccount(hash(50), other, undefined)).toBe("identifier_taken");
        expect(await store.createAccount(hash(51), { ...other, account }, undefined)).toBe("log_exists");
        const stolen = { ...other, devices: [device(laptop, inbox)] };
        expect(await store.createAccount(hash(51), stolen, undefined)).toBe("log_exists");
        expect(await store.countAccounts()).toBe(1);
        expect(await store.createAccount(hash(51), other, 1)).toBe("server_full");
        expect(await store.createAccount(hash(51), other, 2)).toBe("created");
      });

      test("publish the next list, and no other", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        const second = list(2, [device(phone, inbox), device(laptop, logId(id(5)))]);
        const conflict = { ok: false, code: "version_conflict", newest: 1 };
        expect(await store.putDeviceList({ ...second, version: 3 })).toEqual(conflict);
        expect(await store.putDeviceList({ ...second, version: 1 })).toEqual(conflict);
        expect(await store.putDeviceList(second)).toEqual({ ok: true });
        await again();
        expect(await store.putDeviceList(second)).toEqual({ ...conflict, newest: 2 });
        expect(await store.readDeviceLists(account, 1, 10)).toEqual([text(1), text(2)]);
        expect(await store.readDeviceLists(account, 2, 10)).toEqual([text(2)]);
        expect(await store.readDeviceLists(account, 0, 1)).toEqual([text(1)]);
        expect(await store.readDeviceLists(account, 3, 10)).toEqual([]);
        expect(await one(append(logId(id(5)), { tokenHash: undefined }))).toEqual(ok(1));
        expect(await store.accountById(account)).toEqual({ account, newestVersion: 2 });
      });

      test("nobody gets the inbox of a device that was revoked", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        const revoking = list(2, [{ ...device(phone, inbox), revoked: true }, device(laptop, logId(id(5)))]);
        expect(await store.putDeviceList(revoking)).toEqual({ ok: true });
        expect(await store.readLog(inbox)).toBeUndefined();
        await again();
        const taking = { ...list(1, [device(laptop, inbox)]), account: accountId(id(99)) };
        expect(await store.createAccount(hash(51), taking, undefined)).toBe("log_exists");
      });

      test("a new device cannot take a log that exists", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        await one(createLog(talk));
        const taking = list(2, [device(phone, inbox), device(laptop, talk)]);
        expect(await store.putDeviceList(taking)).toEqual({ ok: false, code: "log_exists", newest: 1 });
        const twice = list(2, [device(phone, inbox), device(laptop, inbox)]);
        expect(await store.putDeviceList(twice)).toMatchObject({ code: "log_exists" });
        expect(await store.readDevice(account, laptop)).toBeUndefined();
        expect(await store.readDeviceLists(account, 1, 10)).toEqual([text(1)]);
      });

      test("a revoked device loses its inbox with all that is in it", async () => {
        await store.createAccount(hash(50), firstList, undefined);
        await store.putDeviceList(list(2, [device(phone, inbox), device(laptop, logId(id(5)))]));
        await store.commit([append(inbox), append(inbox)]);
        await store.putDeviceList(list(3, [device(phone, inbox, true), device(laptop, logId(id(5)))]));
        await again();
        expect(await store.readLog(inbox)).toBeUndefined();
        expect(await one(append(inbox))).toMatchObject({ code: "log_refused" });
        expect(await store.readDevice(account, phone)).toMatchObject({ revoked: true });
        expect((await store.stats()).entries).toBe(0);
        await one(append(logId(id(5)), { tokenHash: undefined }));
        expect(await seqs(logId(id(5)))).toEqual([1]);
      });
    });

    keyPackageConformance(() => store, again);
    recoveryConformance(() => store, again);
    pushConformance(() => store, again);
    accountDeletionConformance(() => store, again);
    blobRecordConformance(() => store, again);

    test("statistics count accounts, logs and entries", async () => {
      await store.createAccount(hash(50), firstList, undefined);
      await store.commit([createLog(talk), append(talk), append(inbox), append(inbox), ack(inbox, 1)]);
      expect(await store.stats()).toMatchObject({ accounts: 1, logs: 2, entries: 2 });
      await again();
      expect(await store.stats()).toMatchObject({ accounts: 1, logs: 2, entries: 2 });
    });
  });
}
