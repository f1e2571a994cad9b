/** Limits that tell by name when they refuse. */
import type { RateLimit } from "./rate-limit.ts";

/** The same limits; each tells `hit` its name whenever it refuses. */
export function watchedLimits<Limits extends Readonly<Record<string, RateLimit>>>(
  limits: Limits,
  hit: (name: string) => void,
): Limits {
  const watched = Object.entries(limits).map(([name, limit]) => [name, { ...limit, hit: () => hit(name) }]);
  return Object.fromEntries(watched) as Limits;
}
