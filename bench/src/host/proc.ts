/**
 * What the kernel says about processes and their descendants: CPU time and memory, read from /proc (Linux).
 * All threads count; so do children that live, and those that were waited for.
 */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;

/** Memory of a process tree, in bytes. */
export interface Memory {
  /** Resident set: every page that it maps, shared ones counted whole. */
  readonly rss: number;
  /** Proportional set: shared pages divided among those who share them. */
  readonly pss: number;
}

/** The processes and their living descendants. */
function tree(pids: readonly number[]): number[] {
  const found = [...pids];
  for (let i = 0; i < found.length; i++) {
    const tasks = `/proc/${found[i]}/task`;
    for (const task of listed(tasks)) {
      const children = text(`${tasks}/${task}/children`).trim();
      if (children !== "") found.push(...children.split(" ").map(Number));
    }
  }
  return found;
}

/** CPU seconds (user + system) that process trees have used since they started; 0 for a process that is gone. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const each of tree(pids)) {
    const stat = text(`/proc/${each}/stat`);
    // The name in parentheses may hold spaces: count fields from its end. utime, stime, cutime, cstime are 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (let i = 11; i <= 14; i++) ticks += Number(fields[i] ?? 0);
  }
  return ticks / TICKS_PER_SEC;
}

/** CPU seconds that all processes of the machine together have used since it started. */
export function machineCpuSeconds(): number {
  // user nice system idle iowait irq softirq: all but the fourth and fifth is work.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = text("/proc/stat")
    .slice(0, 200)
    .split("\n", 1)[0]!
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SEC;
}

/** Waits until the machine was busy with less than a tenth of a core for two seconds, at most so long. */
export async function untilQuiet(maxSec: number): Promise<void> {
  const deadline = performance.now() + maxSec * 1000;
  while (performance.now() < deadline) {
    const before = machineCpuSeconds();
    await sleep(2000);
    if (machineCpuSeconds() - before < 0.2) return;
  }
}

/** Memory of process trees now. */
export function memory(pids: readonly number[]): Memory {
  let rss = 0;
  let pss = 0;
  for (const each of tree(pids)) {
    const rollup = text(`/proc/${each}/smaps_rollup`);
    rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
    pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return { rss, pss };
}

/** Bytes that process trees have sent to the disk since they started. */
export function diskWriteBytes(pids: readonly number[]): number {
  let bytes = 0;
  for (const each of tree(pids)) {
    bytes += Number(/^write_bytes: (\d+)/m.exec(text(`/proc/${each}/io`))?.[1] ?? 0);
  }
  return bytes;
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
