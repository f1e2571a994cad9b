/** What protects: vault, identity, trust in the server, the classic suite, MLS. Pure over CryptoProvider; see ./node and ./web. */
export * from "./attachment.ts";
export * from "./classic/format.ts";
export * from "./classic/keys.ts";
export * from "./classic/plaintext.ts";
export * from "./classic/protect.ts";
export * from "./classic/unprotect.ts";
export * from "./device-list-reading.ts";
export * from "./device-list.ts";
export * from "./inbox-seal.ts";
export { createMlsEngine } from "./mls/engine.ts";
export * from "./mls/port.ts";
export type * from "./mls/provider.ts";
export * from "./pem.ts";
export * from "./provider.ts";
export * from "./registration.ts";
export * from "./safety-number.ts";
export * from "./server-trust.ts";
export * from "./vault.ts";
