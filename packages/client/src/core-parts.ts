/** The same of the core alone, for what runs in browsers as well: filling a vault by the core's own steps. */
export { acceptContact } from "./core/accepting.ts";
export { addMessage } from "./core/adding.ts";
export { bindIdentifier } from "./core/contacts.ts";
export { startEngine, type Engine } from "./core/engine.ts";
export type { MessageRecord } from "./core/records.ts";
export { vaultStore } from "./core/vault-store.ts";
export { webEnv } from "./adapters/web/env.ts";
