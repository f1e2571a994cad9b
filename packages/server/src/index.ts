/** The server: registration, directory, delivery service, and the adapters that it runs on. */
export type * from "./core/store.ts";
