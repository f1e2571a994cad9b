/** Tools for tests: time and chance under control, a network that misbehaves, a server that lies, a client that attacks. */
export * from "./clock.ts";
export * from "./frames.ts";
export * from "./mutate.ts";
export * from "./network.ts";
export * from "./person.ts";
export * from "./random.ts";
