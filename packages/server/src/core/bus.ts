/**
 * Wakes readers when a log has something new. The database holds the truth: a lost or doubled wake-up loses and doubles
 * nothing. One process uses the local bus; many use NATS.
 */
import type { LogId } from "@sotto/protocol";
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

/** The bus port. */
export interface Bus {
  publish(log: LogId, wake: Wake): void;
  /** Calls back for every wake of the log until the returned function is called. */
  subscribe(log: LogId, listener: (wake: Wake) => void): () => void;
  close(): Promise<void>;
}
