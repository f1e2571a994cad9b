/** What every adapter of the server's storage port must do with ways to wake devices: a part of the storage conformance suite. */
import { beforeEach, describe, expect, test } from "vitest";
import { accountId, deviceId, logId } from "@sotto/protocol";
import type { DeviceListChange, Store } from "@sotto/server";

const now = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const [account, fresh] = [accountId(id(120)), accountId(id(121))];
const [phone, laptop, stranger] = [deviceId(id(1)), deviceId(id(2)), deviceId(id(3))];
const inboxes = [logId(id(122)), logId(id(123))] as const;

const list = (version: number, revoked: readonly unknown[] = []): DeviceListChange => ({
  account,
  version,
  signedList: bytes(`list ${version}`),
  devices: [
    { device: phone, signatureKey: hash(1), inbox: inboxes[0], revoked: revoked.includes(phone) },
    { device: laptop, signatureKey: hash(2), inbox: inboxes[1], revoked: revoked.includes(laptop) },
  ],
  nowSec: now,
});
const subscription = (n: number) => ({
  endpoint: `https://push.example/${n}`,
  p256dh: new Uint8Array(65).fill(n),
  auth: id(n),
});

const devicesOf = async (store: Store, after = 0, limit = 10) => store.pushDevices(after, limit);

/** Adds the tests to a suite. @param again closes the store and opens what it left, where it can. */
export function pushConformance(current: () => Store, again: () => Promise<void>): void {
  describe("ways to wake devices", () => {
    beforeEach(async () => {
      expect(await current().createAccount(hash(60), list(1), undefined)).toBe("created");
    });

    test("a device has one, the newest", async () => {
      expect(await current().readPush(account, phone)).toBeUndefined();
      const first = subscription(1);
      expect(await current().putPush(account, phone, first)).toBe(true);
      first.p256dh.fill(0);
      await again();
      expect(await current().readPush(account, phone)).toEqual(subscription(1));
      expect(await current().putPush(account, phone, subscription(2))).toBe(true);
      expect(await current().readPush(account, phone)).toEqual(subscription(2));
      expect(await current().readPush(account, laptop)).toBeUndefined();
      expect(await devicesOf(current())).toHaveLength(1);
    });

    test("nobody's device has none", async () => {
      expect(await current().putPush(account, stranger, subscription(1))).toBe(false);
      expect(await current().putPush(fresh, phone, subscription(1))).toBe(false);
      expect(await devicesOf(current())).toEqual([]);
    });

    test("one is deleted only while it is the one that is meant", async () => {
      await current().putPush(account, phone, subscription(1));
      expect(await current().deletePush(account, phone, subscription(2).endpoint)).toBe(false);
      expect(await current().deletePush(account, laptop, undefined)).toBe(false);
      expect(await current().deletePush(account, phone, subscription(1).endpoint)).toBe(true);
      expect(await current().deletePush(account, phone, undefined)).toBe(false);
      await current().putPush(account, phone, subscription(3));
      expect(await current().deletePush(account, phone, undefined)).toBe(true);
      await again();
      expect(await current().readPush(account, phone)).toBeUndefined();
    });

    test("devices that can be woken are listed page by page", async () => {
      await current().putPush(account, phone, subscription(1));
      await current().putPush(account, laptop, subscription(2));
      await again();
      const [first] = await devicesOf(current(), 0, 1);
      expect(first).toMatchObject({ account, device: phone, inbox: inboxes[0] });
      const rest = await devicesOf(current(), first?.num);
      expect(rest).toMatchObject([{ account, device: laptop, inbox: inboxes[1] }]);
      expect(await devicesOf(current(), rest[0]?.num)).toEqual([]);
    });

    test("a revoked device loses it, and gets none any more", async () => {
      await current().putPush(account, phone, subscription(1));
      await current().putPush(account, laptop, subscription(2));
      expect(await current().putDeviceList(list(2, [laptop]))).toEqual({ ok: true });
      await again();
      expect(await current().readPush(account, laptop)).toBeUndefined();
      expect(await current().putPush(account, laptop, subscription(2))).toBe(false);
      expect(await devicesOf(current())).toMatchObject([{ device: phone }]);
    });

    test("an account that is replaced loses all of them", async () => {
      await current().putPush(account, phone, subscription(1));
      await current().putReset(account, now);
      const next = {
        ...list(1),
        account: fresh,
        devices: [{ device: phone, signatureKey: hash(1), inbox: logId(id(124)), revoked: false }],
      };
      expect(await current().replaceAccount(hash(60), account, next, now)).toBe("replaced");
      expect(await devicesOf(current())).toEqual([]);
      expect(await current().putPush(account, phone, subscription(1))).toBe(false);
      expect(await current().putPush(fresh, phone, subscription(1))).toBe(true);
    });
  });
}
