/**
 * Times as they lie in the database: to the day, since what happened in the same second would tie inboxes, which belong to accounts, to
 * conversation logs. Rounded up, so that nothing goes before its retention ends.
 */
const dayMs = 86_400_000;

/** The end of the day that a moment is in, in seconds since 1970-01-01 UTC. */
export function endOfDaySec(nowMs: number): number {
  return (Math.ceil(nowMs / dayMs) * dayMs) / 1_000;
}
