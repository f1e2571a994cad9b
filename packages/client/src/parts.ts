/**
 * The parts of a client below its surface, for simulated worlds and measurements: an account without a registration, a look into the
 * vault, and what a link is sealed with.
 */
export { memoryStorage, type MemoryRows } from "./adapters/memory-storage.ts";
export { sqliteStorage } from "./adapters/node/sqlite-storage.ts";
export { formatCode, parseCode } from "./core/devices/code.ts";
export { codeOfOffer, keysOfCode, sealUnderCode } from "./core/devices/link-keys.ts";
export { parseGroupData } from "./core/groups/data.ts";
export { groupNames, type GroupRecord } from "./core/groups/records.ts";
export { link } from "./core/onboarding/link.ts";
export { names } from "./core/records.ts";
export { markRegistered, storeNewAccount } from "./core/registration.ts";
export { vaultStore, type Draft, type VaultStore } from "./core/vault-store.ts";
