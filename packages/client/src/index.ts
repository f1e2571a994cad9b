/** The messenger without a face: the SDK's types, error classes, and the pure core. Node programs import `@sotto/client/node`. */
export type * from "./api.ts";
export type * from "./core/transport.ts";
export {
  CodecError,
  CryptoError,
  InternalError,
  RefusedError,
  SottoError,
  StorageError,
  TransportError,
  UsageError,
  ValidationError,
} from "@sotto/protocol";
export { formatSafetyNumberQr, parseSafetyNumberQr } from "@sotto/crypto";
export { memoryStorage } from "./adapters/memory-storage.ts";
export { safeFileName } from "./core/attachments/file-name.ts";
export { bytesSource } from "./core/media/file-source.ts";
export { startMessenger, type MessengerParts } from "./core/start.ts";
export { readGroupLink } from "./core/groups/links/link.ts";
export type { OpenFile } from "./core/attachments/files.ts";
export type { Env } from "./core/env.ts";
export type { Storage } from "./core/storage.ts";
export type { HeaderFile } from "./core/vault-header.ts";
