/** A Sotto server to run in a process: `sotto serve`, tests, benchmarks. */
export { checkData, readFingerprint, readStatus, type DataStatus } from "./admin.ts";
export { backUp, restore, verifyBackup, verifyLiving } from "./backup/backup.ts";
export type { ArchiveSummary, ArchiveTrust } from "./backup/archive.ts";
export type { DataSummary } from "./backup/tally.ts";
export { migrateToPostgres, type MigrationSummary, type MigrationWatch } from "./backup/migrate.ts";
export { appendAdminRecord, readAdminLog, type AdminRecord } from "./adapters/admin-log.ts";
export { startServer, type RunningServer, type ServeOptions } from "./serve.ts";
export { reachableOrigin } from "./http/listen.ts";
export { loadConfig, type ConfigSources, type ServerConfig, type ServerConfigInput } from "./config.ts";
export type { BlobFiles } from "./core/blobs/files.ts";
export type { BlobRecord } from "./core/blobs/store.ts";
export type { KeyPackagePut } from "./core/key-packages/store.ts";
export type { DeviceListChange, Store, StoreOperation, StoreResult } from "./core/store.ts";
export type { TransientStore } from "./core/transient.ts";
