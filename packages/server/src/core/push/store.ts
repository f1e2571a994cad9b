/** The part of the storage port that knows how devices are woken: at most one way for each device. */
import type { AccountId, DeviceId, LogId } from "@sotto/protocol";

/** How a device is woken: a subscription of the W3C Push API. */
export interface PushSubscription {
  /** An https URL of a push service. */
  readonly endpoint: string;
  /** Its key, an uncompressed point of P-256: 65 bytes. */
  readonly p256dh: Uint8Array;
  /** 16 bytes. */
  readonly auth: Uint8Array;
}

/** A device that can be woken. */
export interface PushDevice {
  /** Grows with each: where the next page begins. */
  readonly num: number;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly inbox: LogId;
}

/** Keeps subscriptions. Revoking a device, and replacing its account, deletes its own in the same transaction. */
export interface PushStore {
  /** Stores it in place of the device's one before. False: there is no such device in use. */
  putPush(account: AccountId, device: DeviceId, subscription: PushSubscription): Promise<boolean>;
  readPush(account: AccountId, device: DeviceId): Promise<PushSubscription | undefined>;
  /** Deletes it, if it is still that one. Whether it was. @param endpoint undefined: whichever it is. */
  deletePush(account: AccountId, device: DeviceId, endpoint: string | undefined): Promise<boolean>;
  /** Devices that can be woken with greater numbers than `afterNum`, ascending. */
  pushDevices(afterNum: number, limit: number): Promise<readonly PushDevice[]>;
}
