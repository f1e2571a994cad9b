/** Measures a stretch of time: its length, the CPU that server and generator used in it, what went to the disk. */
import { cpuSeconds, diskWriteBytes, machineCpuSeconds } from "../host/proc.ts";
import type { CpuShares } from "./job.ts";

/** What a stretch of time cost. */
export interface Stretch {
  readonly seconds: number;
  readonly serverCpuSec: number;
  readonly shares: CpuShares;
  /** What the server sent to the disk. */
  readonly diskBytes: number;
}

/** Begins a stretch; the function that it returns ends it. */
export function startMeter(pids: readonly number[]): () => Stretch {
  const startMs = performance.now();
  const startServer = cpuSeconds(pids);
  const startMachine = machineCpuSeconds();
  const startDisk = diskWriteBytes(pids);
  const startOwn = process.cpuUsage();
  return () => {
    const seconds = (performance.now() - startMs) / 1000;
    const serverCpuSec = cpuSeconds(pids) - startServer;
    const used = process.cpuUsage(startOwn);
    const ownCpuSec = (used.user + used.system) / 1e6;
    const othersCpuSec = Math.max(0, machineCpuSeconds() - startMachine - serverCpuSec - ownCpuSec);
    return {
      seconds,
      serverCpuSec,
      diskBytes: diskWriteBytes(pids) - startDisk,
      shares: {
        server: serverCpuSec / seconds,
        generator: ownCpuSec / seconds,
        others: othersCpuSec / seconds,
      },
    };
  };
}

/** Waits until a count has grown at a steady rate (three half seconds within 10 %), or for `maxMs`. Returns the time taken. */
export async function untilSteady(count: () => number, maxMs: number): Promise<number> {
  const startMs = performance.now();
  const rates: number[] = [];
  let before = count();
  let beforeMs = startMs;
  while (performance.now() - startMs < maxMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(500, maxMs)));
    const now = count();
    const nowMs = performance.now();
    rates.push((now - before) / (nowMs - beforeMs));
    before = now;
    beforeMs = nowMs;
    const last = rates.slice(-3);
    if (rates.length >= 4 && Math.min(...last) > 0.9 * Math.max(...last)) break;
  }
  return performance.now() - startMs;
}

/** Waits until a condition holds, at most `maxMs`; whether it does. */
export async function until(condition: () => boolean, maxMs: number): Promise<boolean> {
  const deadline = performance.now() + maxMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
