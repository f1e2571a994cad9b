/** Tools for tests: time and chance under control, a network that misbehaves, hostile input. */
export * from "./clock.ts";
export * from "./frames.ts";
export * from "./mutate.ts";
export * from "./network.ts";
export * from "./random.ts";
