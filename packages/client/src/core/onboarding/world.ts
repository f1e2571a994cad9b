/** What making or joining an account needs of the world: an environment, a way to servers, and a place for the vault. */
import type { Env } from "../env.ts";
import type { Storage } from "../storage.ts";
import type { Transport } from "../transport.ts";
import type { HeaderFile } from "../vault-header.ts";

/** A place that holds one vault or none; nobody else uses it until it is released. */
export interface VaultPlace {
  /** Whether a vault was in it when it was taken. */
  readonly exists: boolean;
  readonly header: HeaderFile;
  /** Opens the storage, which then holds the place: closing it releases it. */
  openStorage(): Storage | Promise<Storage>;
  /** Removes what a vault consists of, and releases the place. */
  discard(): void | Promise<void>;
  release(): void;
}

/** The world of an onboarding. */
export interface OnboardingWorld {
  readonly env: Env;
  transportTo(origin: string): Transport;
  /** Takes the place. @throws StorageError `vault_locked`, `vault_foreign`, `vault_damaged`, `storage_failed`. */
  takePlace(): VaultPlace | Promise<VaultPlace>;
}
