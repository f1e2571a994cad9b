/** A checker of histories: whether appends, compare-and-sets and reads of a log are linearizable. */
export * from "./check.ts";
export * from "./history.ts";
