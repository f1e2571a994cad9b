/** Passkeys that open a vault beside its passphrase: where their wraps of the vault's key lie. Ids and salts are no secrets. */
import { StorageError } from "@sotto/protocol";
import { asked, attempt, finished, type Database } from "./database.ts";

/** A passkey of a vault. */
export interface StoredPasskey {
  /** WebAuthn's credential id. */
  readonly id: Uint8Array;
  /** What its PRF is asked with, 32 bytes. */
  readonly salt: Uint8Array;
  /** The vault's key, sealed by what the PRF gives. */
  readonly wrap: Uint8Array;
  /** Seconds since 1970-01-01 UTC. */
  readonly addedAt: number;
}

/** The passkeys of a vault, the oldest first. */
export async function readPasskeys({ idb }: Database): Promise<readonly StoredPasskey[]> {
  const stored = await attempt(() => asked(idb.transaction("meta").objectStore("meta").get("passkeys")));
  return (stored as readonly StoredPasskey[] | undefined) ?? [];
}

/** Replaces them, in one durable transaction. @throws StorageError `vault_missing` when there is no vault. */
export async function changePasskeys(
  { idb }: Database,
  change: (before: readonly StoredPasskey[]) => readonly StoredPasskey[],
): Promise<void> {
  await attempt(async () => {
    const transaction = idb.transaction("meta", "readwrite", { durability: "strict" });
    const meta = transaction.objectStore("meta");
    if ((await asked(meta.getKey("header"))) === undefined) {
      throw new StorageError("vault_missing", "there is no vault in this browser");
    }
    const before = (await asked(meta.get("passkeys"))) as readonly StoredPasskey[] | undefined;
    meta.put(change(before ?? []), "passkeys");
    await finished(transaction);
  });
}
