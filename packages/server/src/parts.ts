/** The parts of a server, for whoever puts one together without sockets: the simulated world runs the real core on them. */
export { Challenger } from "./adapters/challenger.ts";
export { LocalBus } from "./adapters/local-bus.ts";
export { MemoryBlobFiles } from "./adapters/memory-blobs.ts";
export { MemoryStore } from "./adapters/memory-store.ts";
export { MemoryTransient } from "./adapters/memory-transient.ts";
export { openSqliteStore } from "./adapters/sqlite/store.ts";
export { nodeCrypto } from "./adapters/node-crypto.ts";
export { openPostgresStore, type PostgresStore } from "./adapters/postgres/store.ts";
export { ServerKey, generatePrivateKeyPem } from "./adapters/server-key.ts";
export { checkConfig } from "./config.ts";
export type { Store, StoreOperation } from "./core/store.ts";
export { Delivery } from "./core/session/delivery.ts";
export { FrameBatch } from "./core/session/frame-batch.ts";
export type { ConnectionEnd, OutgoingEntry, SessionOutput } from "./core/session/ports.ts";
export type { Session } from "./core/session/session.ts";
export { createDesks, type Desks } from "./desks.ts";
export { sealedAnswers, type SealedAnswers } from "./http/answer-sealed.ts";
