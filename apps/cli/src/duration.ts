/** Lengths of time as people write them: 30s, 5m, 1h, 7d, 4w. */
import { InvalidArgumentError } from "commander";
import { LIMITS } from "@sotto/protocol";

const units = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const shape = /^(\d{1,8})\s*([smhdw])$/i;

/** Seconds, at most a year; "off" is 0; undefined for what is no length of time. */
export function parseDuration(text: string): number | undefined {
  if (text.trim().toLowerCase() === "off") return 0;
  const [, count = "", unit = ""] = shape.exec(text.trim()) ?? [];
  const seconds = Number(count) * (units[unit.toLowerCase() as keyof typeof units] ?? 0);
  return seconds >= 1 && seconds <= LIMITS.maxTimerSec ? seconds : undefined;
}

/** The same for commander's option() and argument(). */
export function parseTimer(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError("It must be like 30s, 5m, 1h, 7d or 4w, or off.");
  return seconds;
}

/** "7d", "90s", or "off". */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return "off";
  const [unit, size] = Object.entries(units).find(([, length]) => seconds % length === 0) ?? ["s", 1];
  return `${seconds / size}${unit}`;
}
