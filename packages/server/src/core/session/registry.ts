/** Which session speaks for which device on this node. The newest connection of a device wins. */
import type { AccountDeletion, AccountId, DeviceId } from "@sotto/protocol";
import type { ListWatcher } from "./list-changes.ts";
import { idKey } from "../logs/id-key.ts";
import type { ConnectionEnd } from "./ports.ts";

/** A session that can be told to end. */
export interface Endable extends ListWatcher {
  end(code: "superseded" | "sign_in_refused", end: ConnectionEnd, message: string): void;
  /** Its account was deleted. */
  accountDeleted(deletion: AccountDeletion): void;
  /** A reset of its account began or was cancelled. @param resetAtSec 0: none is pending. */
  resetChanged(resetAtSec: number): void;
}

/** Live sessions by device. */
export class SessionRegistry {
  readonly #byDevice = new Map<string, Endable>();

  /** Makes a session the device's own; the one before it ends. */
  add(account: AccountId, device: DeviceId, session: Endable): void {
    const key = idKey(account) + idKey(device);
    const before = this.#byDevice.get(key);
    this.#byDevice.set(key, session);
    before?.end("superseded", "superseded", "the device signed in over another connection");
  }

  /** The device signed in on another node. */
  supersede(account: AccountId, device: DeviceId): void {
    const before = this.#byDevice.get(idKey(account) + idKey(device));
    before?.end("superseded", "superseded", "the device signed in over another connection");
  }

  /** Forgets a session that ended, unless another took its place. */
  remove(account: AccountId, device: DeviceId, session: Endable): void {
    const key = idKey(account) + idKey(device);
    if (this.#byDevice.get(key) === session) this.#byDevice.delete(key);
  }

  /** Ends the session of a device that was revoked. */
  revoke(account: AccountId, device: DeviceId): void {
    const revoked = this.#byDevice.get(idKey(account) + idKey(device));
    revoked?.end("sign_in_refused", "revoked", "the device was revoked");
  }

  /** The account's sessions. Looks at all there are: not for what happens often. */
  ofAccount(account: AccountId): Endable[] {
    const prefix = idKey(account);
    return [...this.#byDevice].filter(([key]) => key.startsWith(prefix)).map(([, session]) => session);
  }
}
