/** What every adapter of the server's storage port must do when an account is deleted: a part of the storage conformance suite. */
import { beforeEach, describe, expect, test } from "vitest";
import { EntryKind, accountId, deviceId, logId, type AccountId } from "@sotto/protocol";
import type { DeviceListChange, Store } from "@sotto/server";

const now = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const [ann, ben, cleo] = [accountId(id(100)), accountId(id(101)), accountId(id(102))];
const [phone, laptop] = [deviceId(id(1)), deviceId(id(2))];
const farewell = bytes("who signed it");
const first = logId(id(10));
const second = logId(id(11));

const device = (of: typeof phone, inbox: typeof first, revoked = false) => ({
  device: of,
  signatureKey: hash(1),
  inbox,
  revoked,
});
const list = (
  account: AccountId,
  version: number,
  devices: DeviceListChange["devices"],
): DeviceListChange => ({
  account,
  version,
  signedList: bytes(`list ${version}`),
  devices,
  nowSec: now,
});
const append = (log: typeof first) =>
  ({
    type: "append",
    log,
    tokenHash: undefined,
    epoch: 0,
    kind: EntryKind.MESSAGE,
    body: bytes("message"),
    nextTokenHash: undefined,
    nowSec: now,
  }) as const;
const keyPackages = (account: AccountId, of = phone) => ({
  account,
  device: of,
  ciphersuite: 1,
  keyPackages: [bytes("KeyPackage")],
  lastResort: bytes("last resort"),
  replace: false,
});
const claimOf = (account: AccountId) => ({
  account,
  ciphersuite: 1,
  devices: undefined,
  oneTime: true,
  maxBytes: 1_000,
});

/** Adds the tests to a suite. @param again closes the store and opens what it left, where it can. */
export function accountDeletionConformance(current: () => Store, again: () => Promise<void>): void {
  describe("an account that is deleted", () => {
    beforeEach(async () => {
      const store = current();
      expect(await store.createAccount(hash(50), list(ann, 1, [device(phone, first)]), undefined)).toBe(
        "created",
      );
      const grown = list(ann, 2, [device(phone, first), device(laptop, second)]);
      expect(await store.putDeviceList(grown)).toEqual({ ok: true });
      const other = list(ben, 1, [device(phone, logId(id(20)))]);
      expect(await store.createAccount(hash(51), other, undefined)).toBe("created");
    });

    test("leaves nothing: identifier, lists, devices, inboxes, KeyPackages, ways to wake them, backup and reset", async () => {
      const store = current();
      for (const of of [phone, laptop]) await store.putKeyPackages(keyPackages(ann, of));
      const subscription = { endpoint: "https://push.example/1", p256dh: hash(2), auth: id(3) };
      for (const of of [phone, laptop]) expect(await store.putPush(ann, of, subscription)).toBe(true);
      await store.commit([append(first), append(second), append(logId(id(20)))]);
      await store.putRecovery(ann, bytes("backup"));
      await store.putReset(ann, now);
      expect(await store.deleteAccount(ann, 2, farewell)).toBe(true);
      await again();
      const after = current();
      expect(await after.accountByIdentifier(hash(50))).toBeUndefined();
      expect(await after.accountById(ann)).toBeUndefined();
      expect(await after.readDeviceLists(ann, 1, 10)).toEqual([]);
      expect(await after.readDevice(ann, phone)).toBeUndefined();
      expect(await after.readDevice(ann, laptop)).toBeUndefined();
      expect(await after.readRecovery(ann)).toBeUndefined();
      expect(await after.readReset(ann)).toBeUndefined();
      expect(await after.readPush(ann, laptop)).toBeUndefined();
      expect(await after.pushDevices(0, 10)).toEqual([]);
      expect(await after.readLog(first)).toBeUndefined();
      expect(await after.readEntries(first, 0, 10, 10, 1_000)).toEqual([]);
      expect(await after.commit([append(first), append(second)])).toMatchObject([
        { code: "log_refused" },
        { code: "log_refused" },
      ]);
      expect(await after.claimKeyPackages([claimOf(ann)])).toEqual([[]]);
      expect(await after.countKeyPackages(ann, phone, 1)).toEqual({ left: 0, hasLastResort: false });
      expect(await after.putKeyPackages(keyPackages(ann))).toBe("device_gone");
      expect(await after.putRecovery(ann, bytes("backup"))).toBe(false);
      expect(await after.putReset(ann, now)).toBe(false);
    });

    test("takes nothing of anybody else's", async () => {
      const store = current();
      await store.putKeyPackages(keyPackages(ben));
      await store.putRecovery(ben, bytes("backup of Ben"));
      await store.commit([append(logId(id(20))), append(first)]);
      await store.deleteAccount(ann, 2, farewell);
      await again();
      const after = current();
      expect(await after.accountByIdentifier(hash(51))).toEqual({ account: ben, newestVersion: 1 });
      expect(await after.readDeviceLists(ben, 1, 10)).toHaveLength(1);
      expect(await after.readRecovery(ben)).toEqual(bytes("backup of Ben"));
      expect((await after.claimKeyPackages([claimOf(ben)]))[0]).toHaveLength(1);
      expect(await after.readEntries(logId(id(20)), 0, 10, 10, 1_000)).toHaveLength(1);
      expect(await after.stats()).toMatchObject({ accounts: 1, logs: 1, entries: 1 });
      expect(await after.countAccounts()).toBe(1);
    });

    test("goes only while its newest list is the one that was signed for, and only once", async () => {
      const store = current();
      expect(await store.deleteAccount(ann, 1, farewell)).toBe(false);
      expect(await store.deleteAccount(ann, 3, farewell)).toBe(false);
      expect(await store.deleteAccount(cleo, 0, farewell)).toBe(false);
      expect(await store.accountById(ann)).toEqual({ account: ann, newestVersion: 2 });
      expect(await store.readFarewell(ann)).toBeUndefined();
      expect(await store.deleteAccount(ann, 2, farewell)).toBe(true);
      expect(await store.deleteAccount(ann, 2, bytes("another"))).toBe(false);
      expect(await store.readFarewell(ann)).toEqual(farewell);
    });

    test("is told by its farewell, and nobody else is", async () => {
      const kept = Uint8Array.from(farewell);
      await current().deleteAccount(ann, 2, kept);
      kept.fill(0);
      await again();
      expect(await current().readFarewell(ann)).toEqual(farewell);
      for (const other of [ben, cleo]) expect(await current().readFarewell(other)).toBeUndefined();
      expect(await current().readFarewell(accountId(Uint8Array.from(first)))).toBeUndefined();
    });

    test("gives its identifier back, and its ids never", async () => {
      await current().deleteAccount(ann, 2, farewell);
      await again();
      const store = current();
      const returned = list(ann, 1, [device(phone, logId(id(30)))]);
      expect(await store.createAccount(hash(50), returned, undefined)).toBe("log_exists");
      for (const inbox of [first, second]) {
        const taken = list(cleo, 1, [device(phone, inbox)]);
        expect(await store.createAccount(hash(50), taken, undefined)).toBe("log_exists");
      }
      const grown = list(ben, 2, [device(phone, logId(id(20))), device(laptop, second)]);
      expect(await store.putDeviceList(grown)).toMatchObject({ ok: false, code: "log_exists" });
      const anew = list(cleo, 1, [device(phone, logId(id(31)))]);
      expect(await store.createAccount(hash(50), anew, 2)).toBe("created");
      expect(await store.accountByIdentifier(hash(50))).toEqual({ account: cleo, newestVersion: 1 });
      expect(await store.readFarewell(ann)).toEqual(farewell);
      await store.putReset(ben, now);
      const dead = list(ann, 1, [device(phone, logId(id(32)))]);
      expect(await store.replaceAccount(hash(51), ben, dead, now)).toBe("log_exists");
    });

    test("a revoked device's inbox stays taken too", async () => {
      const store = current();
      const without = list(ann, 3, [device(phone, first), device(laptop, second, true)]);
      expect(await store.putDeviceList(without)).toEqual({ ok: true });
      expect(await store.deleteAccount(ann, 3, farewell)).toBe(true);
      const taken = list(cleo, 1, [device(phone, second)]);
      expect(await store.createAccount(hash(50), taken, undefined)).toBe("log_exists");
    });
  });
}
