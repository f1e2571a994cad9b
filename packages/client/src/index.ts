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
