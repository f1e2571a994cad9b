/** What every adapter of the server's storage port must do with backups and resets: a part of the storage conformance suite. */
import { beforeEach, describe, expect, test } from "vitest";
import { EntryKind, accountId, deviceId, logId, type AccountId } from "@sotto/protocol";
import type { DeviceListChange, Store } from "@sotto/server";

const now = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const [old, fresh, other] = [accountId(id(100)), accountId(id(101)), accountId(id(102))];
const phone = deviceId(id(1));

/** A list with one device, whose ids come from its account's. */
const list = (account: AccountId, version = 1, inbox = id(account[0] ?? 0)): DeviceListChange => ({
  account,
  version,
  signedList: bytes(`list ${version}`),
  devices: [{ device: phone, signatureKey: hash(1), inbox: logId(inbox), revoked: false }],
  nowSec: now,
});
const inboxOf = (account: AccountId) => logId(id(account[0] ?? 0));
const append = (account: AccountId) =>
  ({
    type: "append",
    log: inboxOf(account),
    tokenHash: undefined,
    epoch: 0,
    kind: EntryKind.MESSAGE,
    body: bytes("message"),
    nextTokenHash: undefined,
    nowSec: now,
  }) as const;
const keyPackages = (account: AccountId) => ({
  account,
  device: phone,
  ciphersuite: 1,
  keyPackages: [bytes("KeyPackage")],
  lastResort: bytes("last resort"),
  replace: false,
});

/** Adds the tests to a suite. @param again closes the store and opens what it left, where it can. */
export function recoveryConformance(current: () => Store, again: () => Promise<void>): void {
  const replace = (change = list(fresh), nowSec = now) =>
    current().replaceAccount(hash(50), old, change, nowSec);

  describe("backups and resets", () => {
    beforeEach(async () => {
      expect(await current().createAccount(hash(50), list(old), undefined)).toBe("created");
    });

    test("an account has one backup, the newest", async () => {
      expect(await current().readRecovery(old)).toBeUndefined();
      const backup = bytes("first");
      expect(await current().putRecovery(old, backup)).toBe(true);
      backup.fill(0);
      await again();
      expect(await current().readRecovery(old)).toEqual(bytes("first"));
      expect(await current().putRecovery(old, bytes("second"))).toBe(true);
      expect(await current().readRecovery(old)).toEqual(bytes("second"));
      expect(await current().putRecovery(other, bytes("nobody's"))).toBe(false);
      expect(await current().readRecovery(other)).toBeUndefined();
    });

    test("a reset is noted, and deleted", async () => {
      expect(await current().readReset(old)).toBeUndefined();
      expect(await current().putReset(old, now + 5)).toBe(true);
      await again();
      expect(await current().readReset(old)).toBe(now + 5);
      expect(await current().putReset(old, now + 9)).toBe(true);
      expect(await current().readReset(old)).toBe(now + 9);
      // A device that signs in learns of it with what it is checked by.
      expect(await current().readDevice(old, phone)).toMatchObject({ resetAtSec: now + 9 });
      expect(await current().deleteReset(old)).toBe(true);
      expect(await current().deleteReset(old)).toBe(false);
      expect(await current().readReset(old)).toBeUndefined();
      expect(await current().readDevice(old, phone)).toMatchObject({ resetAtSec: undefined });
      expect(await current().putReset(other, now)).toBe(false);
      expect(await current().deleteReset(other)).toBe(false);
    });

    test("an account is replaced only when its reset is due, and by who has its identifier", async () => {
      expect(await replace()).toBe("conflict");
      await current().putReset(old, now + 1);
      expect(await replace()).toBe("conflict");
      expect(await current().replaceAccount(hash(51), old, list(fresh), now + 1)).toBe("conflict");
      expect(await current().replaceAccount(hash(50), other, list(fresh), now + 1)).toBe("conflict");
      expect(await current().accountByIdentifier(hash(50))).toMatchObject({ newestVersion: 1 });
      expect(await current().accountById(fresh)).toBeUndefined();
      expect(await replace(list(fresh), now + 1)).toBe("replaced");
    });

    test("replacing leaves nothing of the old account but that its ids are taken", async () => {
      const store = current();
      await store.putKeyPackages(keyPackages(old));
      await store.commit([append(old)]);
      await store.putRecovery(old, bytes("backup"));
      await store.putReset(old, now);
      expect(await replace()).toBe("replaced");
      await again();
      const after = current();
      expect((await after.accountByIdentifier(hash(50)))?.account).toEqual(fresh);
      expect(await after.accountById(fresh)).toEqual({ account: fresh, newestVersion: 1 });
      expect(await after.accountById(old)).toBeUndefined();
      expect(await after.readDeviceLists(old, 1, 10)).toEqual([]);
      expect(await after.readDevice(old, phone)).toMatchObject({ revoked: true });
      expect(await after.readDevice(fresh, phone)).toMatchObject({ revoked: false });
      expect(await after.readRecovery(old)).toBeUndefined();
      expect(await after.readReset(old)).toBeUndefined();
      expect(await after.readLog(inboxOf(old))).toBeUndefined();
      expect(await after.commit([append(old), append(fresh)])).toMatchObject([
        { ok: false, code: "log_refused" },
        { ok: true, seq: 1 },
      ]);
      const claim = { ciphersuite: 1, devices: undefined, oneTime: true, maxBytes: 1_000 };
      expect(await after.claimKeyPackages([{ ...claim, account: old }])).toEqual([[]]);
      expect(await after.putKeyPackages(keyPackages(old))).toBe("device_gone");
      expect(await after.countAccounts()).toBe(1);
      expect(await after.stats()).toMatchObject({ accounts: 1, entries: 1 });
    });

    test("what was replaced stays dead: no list, backup, reset or account brings it back", async () => {
      await current().putReset(old, now);
      expect(await replace()).toBe("replaced");
      await again();
      const store = current();
      for (const version of [1, 2]) {
        const change = list(old, version);
        expect(await store.putDeviceList(change)).toMatchObject({ ok: false, code: "version_conflict" });
      }
      expect(await store.putRecovery(old, bytes("backup"))).toBe(false);
      expect(await store.putReset(old, now)).toBe(false);
      expect(await store.createAccount(hash(51), list(old, 1, id(9)), undefined)).toBe("log_exists");
      expect(await store.createAccount(hash(51), list(other, 1, id(100)), undefined)).toBe("log_exists");
      // Its identifier's hash is nobody's: not even that of the row that is left.
      const ownId = Uint8Array.from(old);
      expect(await store.accountByIdentifier(ownId)).toBeUndefined();
    });

    test("the new account takes no id that is taken, and then nothing has changed", async () => {
      const store = current();
      await store.createAccount(hash(51), list(other), undefined);
      await store.putReset(old, now);
      expect(await replace(list(other))).toBe("log_exists");
      expect(await replace(list(old))).toBe("log_exists");
      expect(await replace(list(fresh, 1, id(100)))).toBe("log_exists");
      expect((await store.accountByIdentifier(hash(50)))?.account).toEqual(old);
      expect(await store.readDevice(old, phone)).toMatchObject({ revoked: false });
      expect(await store.readReset(old)).toBe(now);
      expect(await store.commit([append(old)])).toEqual([{ ok: true, seq: 1 }]);
    });

    test("replacing goes on when the server is full, and the new one can be replaced too", async () => {
      await current().putReset(old, now);
      expect(await replace()).toBe("replaced");
      await current().putReset(fresh, now);
      expect(await current().replaceAccount(hash(50), fresh, list(other), now)).toBe("replaced");
      expect((await current().accountByIdentifier(hash(50)))?.account).toEqual(other);
      expect(await current().countAccounts()).toBe(1);
      expect(await current().createAccount(hash(51), list(accountId(id(110))), 1)).toBe("server_full");
      expect(await current().createAccount(hash(51), list(accountId(id(110))), 2)).toBe("created");
    });
  });
}
