/** The part of the storage port that keeps backups for recovery, and resets that wait for their time. */
import type { AccountId } from "@sotto/protocol";
import type { DeviceListChange } from "../store.ts";

/** Stores backups and pending resets. */
export interface RecoveryStore {
  /** Stores an account's backup in place of the one before. False: there is no such account. */
  putRecovery(account: AccountId, backup: Uint8Array): Promise<boolean>;
  readRecovery(account: AccountId): Promise<Uint8Array | undefined>;

  /** Notes when an account may be reset, in place of what was noted before. False: there is no such account. */
  putReset(account: AccountId, resetAtSec: number): Promise<boolean>;
  readReset(account: AccountId): Promise<number | undefined>;
  /** Whether there was one. */
  deleteReset(account: AccountId): Promise<boolean>;
  /**
   * Puts a new account in the place of one whose reset is noted: the identifier leads to the new one. The old one has no
   * lists, backup, inboxes and KeyPackages any more and its devices are revoked; its ids stay taken. One transaction.
   * `conflict`: the identifier does not lead to `old`, or no reset of it is noted for `nowSec` or before.
   */
  replaceAccount(
    identifierHash: Uint8Array,
    old: AccountId,
    change: DeviceListChange,
    nowSec: number,
  ): Promise<"replaced" | "conflict" | "log_exists">;
}
