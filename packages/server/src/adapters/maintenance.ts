/** Deletes what is past retention, a little at a time, so that nobody waits long for the store. */
import type { Store } from "../core/store.ts";

/** How retention is carried out. */
export interface MaintenanceOptions {
  readonly store: Store;
  readonly retentionSec: number;
  readonly nowMs: () => number;
  readonly expired: (rows: number) => void;
  readonly failed: (error: unknown) => void;
}

const intervalMs = 600_000;
const rowsAtOnce = 1_000;

/** Starts; returns what stops it. */
export function startMaintenance(options: MaintenanceOptions): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const later = (delayMs: number): void => {
    timer = setTimeout(() => void run(), delayMs);
    timer.unref();
  };
  const run = async (): Promise<void> => {
    let rows = 0;
    try {
      const beforeSec = Math.floor(options.nowMs() / 1000) - options.retentionSec;
      rows = await options.store.expire(beforeSec, rowsAtOnce);
      if (!stopped) options.expired(rows);
    } catch (error) {
      if (!stopped) options.failed(error);
    }
    if (!stopped) later(rows >= rowsAtOnce ? 100 : intervalMs);
  };
  later(1_000);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
