/** How much one log may hold unless the operator says otherwise. */
import { LIMITS } from "@sotto/protocol";
import type { LogLimits } from "./decide.ts";

/** Entries that nobody has acked yet, their bytes, and reader slots. */
export const DEFAULT_LOG_LIMITS: LogLimits = {
  maxEntries: 100_000,
  maxBytes: 268_435_456,
  maxSlots: LIMITS.maxSlotsPerLog,
};
