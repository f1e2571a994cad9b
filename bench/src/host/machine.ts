/** The machine that a measurement was taken on. */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** What may matter to the figures. */
export interface MachineDescription {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** File system and device of the data folders. */
  readonly disk: string;
}

/** @param folder where the servers' data lies. */
export function describeMachine(folder: string): MachineDescription {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    disk: mountOf(folder),
  };
}

/** Type and device of the file system that holds a path: the longest mount point that it begins with. */
function mountOf(path: string): string {
  let best = { point: "", text: "unknown" };
  for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
    const [device, point, type] = line.split(" ");
    if (device === undefined || point === undefined || type === undefined) continue;
    const inside = path === point || path.startsWith(point.endsWith("/") ? point : `${point}/`);
    if (inside && point.length > best.point.length) best = { point, text: `${type} on ${device}` };
  }
  return best.text;
}
