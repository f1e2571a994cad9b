/** Tools for attacks: people made by hand, a client without manners, a server that lies, and a real server to turn them on. */
export * from "./blob-client.ts";
export * from "./honest.ts";
export * from "./look-up.ts";
export * from "./lying-server.ts";
export * from "./person.ts";
export * from "./phone.ts";
export * from "./raw-client.ts";
export * from "./registration.ts";
export * from "./test-server.ts";
