/**
 * The SDK for Node: the client core on node:crypto, node:sqlite, fetch and `ws`.
 *
 * register() makes an account and its vault, open() puts it to work. See docs/ for a bot in twenty lines.
 */
import { InternalError } from "@sotto/protocol";
import type { Messenger, OpenOptions, RegisterOptions, ServerChoice } from "./api.ts";

export * from "./index.ts";

/** What a server says of itself, before anything of it is trusted. */
export interface PublicServerFacts {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** SHA-256 of the server's public key: 43 characters of base64url. */
  readonly fingerprint: string;
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
  readonly protocolVersion: number;
  readonly serverTimeMs: number;
  readonly registrationOpen: boolean;
  readonly classicAllowed: boolean;
}

/**
 * Asks a server for its public facts. When `choice` carries a key, the server's must equal it.
 * @throws TransportError `server_unreachable`; ValidationError `server_key_mismatch`; UsageError `usage`.
 */
export function fetchServerFacts(choice: ServerChoice): Promise<PublicServerFacts> {
  throw new InternalError("internal", `not built yet: ${choice.server}`);
}

/** What the server promised about a one-time password. */
export interface CodeRequested {
  readonly expiresInSec: number;
  readonly resendAfterSec: number;
}

/**
 * Has the server send a one-time password to the identifier.
 * @throws UsageError `identifier_invalid`, `usage`; TransportError `server_unreachable`; ValidationError `server_key_mismatch`;
 * RefusedError `rate_limited`, `code_delivery_failed`, `server_full`.
 */
export function requestCode(options: ServerChoice & { readonly identifier: string }): Promise<CodeRequested> {
  throw new InternalError("internal", `not built yet: ${options.server}`);
}

/**
 * Makes an account and its vault in `home`. When `code` is a function, a one-time password is requested first. A call that was cut off
 * can be repeated in the same home: it goes on with the same keys.
 * @throws StorageError `vault_exists`, `vault_locked`; RefusedError `code_refused`, `identifier_taken`, `server_full`; and as requestCode.
 */
export function register(options: RegisterOptions): Promise<Messenger["self"]> {
  throw new InternalError("internal", `not built yet: ${options.server}`);
}

/**
 * Opens the vault in `home` and connects. Resolves before the connection stands.
 * @throws CryptoError `passphrase_wrong`; StorageError `vault_missing`, `vault_locked`, `vault_damaged`, `vault_foreign`.
 */
export function open(options: OpenOptions): Promise<Messenger> {
  throw new InternalError("internal", `not built yet: ${options.home}`);
}
