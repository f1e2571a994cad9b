/**
 * Wakes readers when a log has something new, and tells other nodes to look again at an account. The database holds the
 * truth: a lost, late or doubled message loses and doubles nothing. One process uses the local bus; many use NATS.
 */
import type { AccountId, DeviceId, LogId } from "@sotto/protocol";
import type { StoredEntry } from "./store.ts";

/**
 * What a reader is woken with. Ephemeral bodies travel in the wake-up itself, since nothing stores them. `entries`, where
 * given, are the newest ones up to headSeq, in order: a reader that has all before them need not ask the store.
 */
export type Wake =
  | {
      readonly type: "stored";
      readonly headSeq: number;
      readonly entries?: readonly StoredEntry[];
    }
  | { readonly type: "ephemeral"; readonly epoch: number; readonly body: Uint8Array };

/** What one node tells the others. */
export type Notice =
  /** Its device list, its reset, or that it is there at all has changed: the store knows how. */
  | { readonly type: "account-changed"; readonly account: AccountId }
  /** The device has a newer connection on the node that says so. */
  | { readonly type: "signed-in"; readonly account: AccountId; readonly device: DeviceId };

/** The bus port. */
export interface Bus {
  publish(log: LogId, wake: Wake): void;
  /** Calls back for every wake of the log until the returned function is called. */
  subscribe(log: LogId, listener: (wake: Wake) => void): () => void;
  /** Tells the other nodes; this one has done what it says. */
  tell(notice: Notice): void;
  /** Calls back for every notice of another node until the bus closes. */
  hear(listener: (notice: Notice) => void): void;
  close(): Promise<void>;
}
