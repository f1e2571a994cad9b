/** A simulated world: the real client core and the real server core under one clock and one seed. */
export * from "./device.ts";
export * from "./server.ts";
export * from "./witness.ts";
export * from "./world.ts";
