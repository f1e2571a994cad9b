/** Moving in a list by keys. Pure. */
import type { Action } from "./keys.ts";

/** Rows that PgUp and PgDn move. */
const page = 10;

/** The selected row after a key, within a list of `count` rows. */
export function moved(selected: number, action: Action, count: number): number {
  const by: Partial<Record<Action["type"], number>> = {
    up: -1,
    down: 1,
    "page-up": -page,
    "page-down": page,
  };
  const step = action.type === "switch" ? action.by : (by[action.type] ?? 0);
  return Math.max(0, Math.min(count - 1, selected + step));
}
