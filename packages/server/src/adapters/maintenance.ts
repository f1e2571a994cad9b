/** Deletes what is past retention, a little at a time, so that nobody waits long for the store. */
import type { Blobs } from "../core/blobs/desk.ts";
import type { Store } from "../core/store.ts";

/** How retention is carried out. */
export interface MaintenanceOptions {
  readonly store: Store;
  readonly blobs: Pick<Blobs, "expire">;
  readonly retentionSec: number;
  readonly blobRetentionSec: number;
  readonly nowMs: () => number;
  readonly expired: (rows: number) => void;
  readonly blobsExpired: (blobs: number) => void;
  readonly failed: (error: unknown) => void;
}

const intervalMs = 600_000;
const rowsAtOnce = 1_000;
const blobsAtOnce = 100;
/** Uploads that nobody went on with for so long are given up. */
const unfinishedSec = 2 * 86_400;
/** The storage of blobs is looked through in so many parts, one at a time. */
const sweeps = 256;

/**
 * The pause before the next thousand rows: twice as long as the last took, so that retention has a third of the store's time at most, and
 * keeps up with what a busy server takes.
 */
const pauseMs = (tookMs: number): number => Math.min(1000, Math.max(10, 2 * tookMs));

/** Retention at work. */
export interface Maintenance {
  /** Seconds since nothing past retention was left: at most the ten minutes between two looks, if it keeps up. */
  lagSec(): number;
  stop(): void;
}

/** Starts. */
export function startMaintenance(options: MaintenanceOptions): Maintenance {
  let doneAtMs = options.nowMs();
  let timer: NodeJS.Timeout;
  let stopped = false;
  let sweep = 0;
  const later = (delayMs: number): void => {
    timer = setTimeout(() => void run(), delayMs);
    timer.unref();
  };
  const run = async (): Promise<void> => {
    let rows = 0;
    let blobs = 0;
    let failed = false;
    const startedAtMs = options.nowMs();
    try {
      const nowSec = Math.floor(options.nowMs() / 1000);
      rows = await options.store.expire(nowSec - options.retentionSec, rowsAtOnce);
      if (!stopped) options.expired(rows);
      if (stopped) return;
      sweep = (sweep + 1) % sweeps;
      const { blobRetentionSec } = options;
      blobs = await options.blobs.expire(
        nowSec - blobRetentionSec,
        nowSec - unfinishedSec,
        sweep,
        blobsAtOnce,
      );
      if (!stopped) options.blobsExpired(blobs);
    } catch (error) {
      failed = true;
      if (!stopped) options.failed(error);
    }
    if (stopped) return;
    const more = rows >= rowsAtOnce || blobs >= blobsAtOnce;
    if (!more && !failed) doneAtMs = options.nowMs();
    later(more ? pauseMs(options.nowMs() - startedAtMs) : intervalMs);
  };
  later(1_000);
  return {
    lagSec: () => Math.max(0, options.nowMs() - doneAtMs) / 1000,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
