/** What every adapter of the server's storage port must do with KeyPackages: a part of the storage conformance suite. */
import { beforeEach, describe, expect, test } from "vitest";
import { LIMITS, accountId, deviceId, logId, type DeviceId } from "@sotto/protocol";
import type { DeviceListChange, KeyPackagePut, Store } from "@sotto/server";

const now = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const account = accountId(id(100));
const phone = deviceId(id(101));
const laptop = deviceId(id(102));
const xwing = 0x0053;
const x25519 = 1;

const list = (version: number, revoked: readonly DeviceId[] = []): DeviceListChange => ({
  account,
  version,
  signedList: bytes(`list ${version}`),
  devices: [phone, laptop].map((device, index) => ({
    device,
    signatureKey: hash(index),
    inbox: logId(id(index)),
    revoked: revoked.includes(device),
  })),
  nowSec: now,
});

function put(device: DeviceId, names: readonly string[], over: Partial<KeyPackagePut> = {}): KeyPackagePut {
  const keyPackages = names.map(bytes);
  return {
    account,
    device,
    ciphersuite: xwing,
    keyPackages,
    lastResort: undefined,
    replace: false,
    ...over,
  };
}
const claimed = (device: DeviceId, name: string, isLastResort = false) => ({
  device,
  keyPackage: bytes(name),
  isLastResort,
});

/** Adds the tests to a suite. @param again closes the store and opens what it left, where it can. */
export function keyPackageConformance(current: () => Store, again: () => Promise<void>): void {
  const claim = async (over: object = {}) => {
    const whole = { account, ciphersuite: xwing, devices: undefined, oneTime: true, maxBytes: 1_000_000 };
    const [answer] = await current().claimKeyPackages([{ ...whole, ...over }]);
    // Byte fields of either store as plain arrays.
    return answer?.map((one) => ({
      ...one,
      device: deviceId(Uint8Array.from(one.device)),
      keyPackage: Uint8Array.from(one.keyPackage),
    }));
  };

  describe("KeyPackages", () => {
    beforeEach(async () => {
      expect(await current().createAccount(hash(50), list(1), undefined)).toBe("created");
    });

    test("go out once each, the oldest first, one of each device", async () => {
      const store = current();
      expect(await store.putKeyPackages(put(phone, ["p1", "p2"]))).toBe("stored");
      expect(await store.putKeyPackages(put(laptop, ["l1"]))).toBe("stored");
      expect(await store.putKeyPackages(put(phone, ["p3"]))).toBe("stored");
      await again();
      expect(await claim()).toEqual([claimed(phone, "p1"), claimed(laptop, "l1")]);
      await again();
      expect(await claim()).toEqual([claimed(phone, "p2")]);
      expect(await claim()).toEqual([claimed(phone, "p3")]);
      expect(await claim()).toEqual([]);
    });

    test("several claims of one transaction never get the same one", async () => {
      const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
      await current().putKeyPackages(put(phone, names));
      const one = { account, ciphersuite: xwing, devices: undefined, oneTime: true, maxBytes: 1_000 };
      const both = await Promise.all([0, 1].map(() => current().claimKeyPackages(names.map(() => one))));
      const got = both.flat(2).map(({ keyPackage }) => new TextDecoder().decode(keyPackage));
      expect(got.sort()).toEqual(names.sort());
    });

    test("the last resort goes out when nothing else is left, again and again", async () => {
      await current().putKeyPackages(put(phone, ["p1"], { lastResort: bytes("last") }));
      expect(await claim({ oneTime: false })).toEqual([claimed(phone, "last", true)]);
      expect(await claim()).toEqual([claimed(phone, "p1")]);
      await again();
      expect(await claim()).toEqual([claimed(phone, "last", true)]);
      expect(await claim()).toEqual([claimed(phone, "last", true)]);
      await current().putKeyPackages(put(phone, [], { lastResort: bytes("newer") }));
      expect(await claim()).toEqual([claimed(phone, "newer", true)]);
      await current().putKeyPackages(put(phone, ["p2"]));
      expect(await claim()).toEqual([claimed(phone, "p2")]);
      expect(await claim()).toEqual([claimed(phone, "newer", true)]);
    });

    test("ciphersuites are kept apart", async () => {
      await current().putKeyPackages(put(phone, ["post-quantum"]));
      await current().putKeyPackages(put(phone, ["classical"], { ciphersuite: x25519 }));
      expect(await claim({ ciphersuite: 2 })).toEqual([]);
      expect(await claim({ ciphersuite: x25519 })).toEqual([claimed(phone, "classical")]);
      expect(await claim()).toEqual([claimed(phone, "post-quantum")]);
    });

    test("replacing deletes what was there of that ciphersuite, the last resort too", async () => {
      await current().putKeyPackages(put(phone, ["p1"], { lastResort: bytes("last") }));
      await current().putKeyPackages(put(phone, ["c1"], { ciphersuite: x25519 }));
      await current().putKeyPackages(put(phone, ["p2"], { replace: true }));
      await again();
      expect(await claim()).toEqual([claimed(phone, "p2")]);
      expect(await claim()).toEqual([]);
      expect(await claim({ ciphersuite: x25519 })).toEqual([claimed(phone, "c1")]);
    });

    test("a claim names devices, and takes nothing of the others", async () => {
      await current().putKeyPackages(put(phone, ["p1"]));
      await current().putKeyPackages(put(laptop, ["l1"]));
      expect(await claim({ devices: [laptop, laptop, deviceId(id(7))] })).toEqual([claimed(laptop, "l1")]);
      expect(await current().countKeyPackages(account, phone, xwing)).toEqual({
        left: 1,
        hasLastResort: false,
      });
    });

    test("a claim ends where its bytes end; who did not fit keeps theirs", async () => {
      await current().putKeyPackages(put(phone, ["12345"]));
      await current().putKeyPackages(put(laptop, ["67890"]));
      expect(await claim({ maxBytes: 9 })).toEqual([claimed(phone, "12345")]);
      expect(await claim({ maxBytes: 9 })).toEqual([claimed(laptop, "67890")]);
    });

    test("are counted", async () => {
      await current().putKeyPackages(put(phone, ["p1", "p2"], { lastResort: bytes("last") }));
      await again();
      const store = current();
      expect(await store.countKeyPackages(account, phone, xwing)).toEqual({ left: 2, hasLastResort: true });
      await claim();
      expect(await store.countKeyPackages(account, phone, xwing)).toEqual({ left: 1, hasLastResort: true });
      const none = { left: 0, hasLastResort: false };
      expect(await store.countKeyPackages(account, phone, x25519)).toEqual(none);
      expect(await store.countKeyPackages(account, laptop, xwing)).toEqual(none);
      expect(await store.countKeyPackages(accountId(id(9)), phone, xwing)).toEqual(none);
    });

    test("a put over a limit stores nothing of it", async () => {
      const store = current();
      const most = Array.from({ length: LIMITS.maxKeyPackages - 1 }, (_, index) => `p${index}`);
      expect(await store.putKeyPackages(put(phone, most))).toBe("stored");
      expect(await store.putKeyPackages(put(phone, ["a", "b"], { lastResort: bytes("last") }))).toBe("full");
      expect(await store.countKeyPackages(account, phone, xwing)).toEqual({
        left: LIMITS.maxKeyPackages - 1,
        hasLastResort: false,
      });
      expect(await store.putKeyPackages(put(phone, ["a"], { lastResort: bytes("last") }))).toBe("stored");
      expect(await store.putKeyPackages(put(phone, ["b"]))).toBe("full");
      expect(await store.putKeyPackages(put(laptop, ["b"]))).toBe("stored");
      expect(await store.putKeyPackages(put(phone, most, { replace: true }))).toBe("stored");
    });

    test("a device has few ciphersuites, and frees one by emptying it", async () => {
      const store = current();
      for (let ciphersuite = 1; ciphersuite <= LIMITS.maxKeyPackageSuites; ciphersuite++) {
        expect(await store.putKeyPackages(put(phone, ["p"], { ciphersuite }))).toBe("stored");
      }
      expect(await store.putKeyPackages(put(phone, ["p"], { ciphersuite: 99 }))).toBe("full");
      expect(await store.putKeyPackages(put(phone, [], { ciphersuite: 1, replace: true }))).toBe("stored");
      expect(await store.putKeyPackages(put(phone, ["p"], { ciphersuite: 99 }))).toBe("stored");
    });

    test("revoking a device deletes its, and it can put no more", async () => {
      await current().putKeyPackages(put(phone, ["p1"], { lastResort: bytes("last") }));
      await current().putKeyPackages(put(laptop, ["l1"]));
      expect(await current().putDeviceList(list(2, [phone]))).toEqual({ ok: true });
      await again();
      expect(await claim({ devices: [phone] })).toEqual([]);
      expect(await claim()).toEqual([claimed(laptop, "l1")]);
      expect(await current().countKeyPackages(account, phone, xwing)).toEqual({
        left: 0,
        hasLastResort: false,
      });
      expect(await current().putKeyPackages(put(phone, ["p2"]))).toBe("device_gone");
      expect(await current().putKeyPackages(put(deviceId(id(9)), ["x"]))).toBe("device_gone");
    });

    test("unknown accounts have none", async () => {
      expect(await claim({ account: accountId(id(9)) })).toEqual([]);
    });

    test("keep their bytes when the buffer they came in is used again", async () => {
      const given = put(phone, ["p1"], { lastResort: bytes("last") });
      await current().putKeyPackages(given);
      for (const buffer of [...given.keyPackages, given.lastResort]) buffer?.fill(0);
      expect(await claim()).toEqual([claimed(phone, "p1")]);
      expect(await claim()).toEqual([claimed(phone, "last", true)]);
    });
  });
}
