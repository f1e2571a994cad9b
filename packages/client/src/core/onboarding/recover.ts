/**
 * Coming back with the recovery key: a one-time password proves the identifier, the key opens the backup, and the identity key in it puts
 * this device on the account's list, all others off it.
 */
import { verifyDeviceLists } from "@sotto/crypto";
import { UsageError, ValidationError, accountId, equalBytes, parseIdentifier } from "@sotto/protocol";
import type { Recovery } from "../../api.ts";
import { restoreContacts } from "../devices/joining-account.ts";
import { openBackup, readRecoveryKey, type RecoveryKey } from "../devices/recovery.ts";
import type { OwnAccount } from "../records.ts";
import { allLists, comeBack, proveIdentifier } from "./coming-back.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

/** Recovers an account. @throws as recover in node.ts. */
export async function recover(world: OnboardingWorld, options: Recovery): Promise<OwnAccount> {
  parseIdentifier(options.identifier);
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const recoveryKey = await readRecoveryKey(world.env, options.recoveryKey);
  const server = await trustServer(world, options);
  const place = await world.takePlace();
  try {
    if (place.exists) throw new UsageError("vault_exists", "there is an account already");
    return await prove(world, server, place, options, recoveryKey);
  } catch (cause) {
    if (!place.exists) await place.discard();
    throw cause;
  } finally {
    place.release();
  }
}

async function prove(
  { env }: OnboardingWorld,
  server: TrustedServer,
  place: VaultPlace,
  options: Recovery,
  recoveryKey: RecoveryKey,
): Promise<OwnAccount> {
  const identifier = parseIdentifier(options.identifier);
  const result = await proveIdentifier(env, server, identifier, options.code);
  if (result.backup.length === 0) {
    throw new ValidationError("recovery_key_wrong", "the server has no backup of that account");
  }
  const backup = await openBackup(env, recoveryKey.backupKey, result.backup);
  const first = await verifyDeviceLists(env.crypto, undefined, result.lists, accountId(result.accountId));
  const known = await allLists(env, server, result, first);
  if (!equalBytes(known.list.identityKey, backup.identityPublicKey)) {
    throw new ValidationError("recovery_key_wrong", "the backup is older than the account's identity key");
  }
  return comeBack(env, server, place, {
    identifier,
    known,
    identityKey: { privateKey: backup.identityPrivateKey, publicKey: backup.identityPublicKey },
    backupKey: recoveryKey.backupKey,
    recoveryKey: recoveryKey.text,
    ticket: result.ticket,
    passphrase: options.passphrase,
    deviceName: options.deviceName,
    othersLost: true,
    fill: (store) => restoreContacts(env, store, backup),
  });
}
