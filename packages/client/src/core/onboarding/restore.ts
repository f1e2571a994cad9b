/**
 * A new device out of a backup file: all of the file is checked first; a one-time password proves the identifier, as in a recovery; then the
 * identity key in it puts this device on the account's list, and what it holds comes into the vault.
 */
import { fingerprintOf, restoreDeviceList, verifyDeviceLists } from "@sotto/crypto";
import { toBinary } from "@bufbuild/protobuf";
import {
  SignedDeviceListSchema,
  StorageError,
  UsageError,
  ValidationError,
  equalBytes,
  formatFingerprint,
  parseDeviceList,
  parseIdentifier,
  type BackupAccount,
} from "@sotto/protocol";
import type { BackupInfo, Restore } from "../../api.ts";
import type { FileSource } from "../../attachment-api.ts";
import { checkBackup, readBackup } from "../backup/file.ts";
import { takeBackup } from "../backup/taking.ts";
import type { Env } from "../env.ts";
import type { OwnAccount } from "../records.ts";
import { allLists, comeBack, proveIdentifier } from "./coming-back.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

const keyBytes = 32;

/** Whose backup a file is. @throws as inspectBackup in node.ts. */
export async function inspect(env: Env, file: FileSource, passphrase: string): Promise<BackupInfo> {
  const { account, messages } = await checkBackup(env, file, passphrase);
  return {
    identifier: parseIdentifier(account.identifier),
    serverOrigin: account.serverOrigin,
    serverFingerprint: formatFingerprint(await fingerprintOf(env.crypto, account.serverPublicKey)),
    madeAt: Number(account.madeAtSec),
    messages,
  };
}

/** Restores a backup. @throws as restore in node.ts. */
export async function restore(world: OnboardingWorld, options: Restore): Promise<OwnAccount> {
  const { env } = world;
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const { account } = await checkBackup(env, options.file, options.backupPassphrase);
  checkKeys(account);
  const server = await trustServer(world, {
    server: options.server ?? account.serverOrigin,
    serverKey: formatFingerprint(await fingerprintOf(env.crypto, account.serverPublicKey)),
  });
  const place = await world.takePlace();
  try {
    if (place.exists) throw new StorageError("vault_exists", "there is an account already");
    return await prove(env, server, place, options, account);
  } catch (cause) {
    if (!place.exists) await place.discard();
    throw cause;
  } finally {
    place.release();
  }
}

async function prove(
  env: Env,
  server: TrustedServer,
  place: VaultPlace,
  options: Restore,
  account: BackupAccount,
): Promise<OwnAccount> {
  const identifier = parseIdentifier(account.identifier);
  const before = await listOf(env, account);
  const result = await proveIdentifier(env, server, identifier, options.code);
  if (!equalBytes(result.accountId, before.list.accountId)) {
    throw new ValidationError("backup_outdated", "the number or address belongs to another account now");
  }
  if (result.newestVersion < BigInt(before.version)) {
    throw new ValidationError(
      "device_list_rolled_back",
      "the server has an older device list than the backup",
    );
  }
  const later = result.lists.filter(({ list }) => parseDeviceList(list).version > BigInt(before.version));
  const next = later.length === 0 ? before : await verifyDeviceLists(env.crypto, before, later);
  const known = await allLists(env, server, result, next);
  if (!equalBytes(known.list.identityKey, account.identityPublicKey)) {
    throw new ValidationError(
      "backup_outdated",
      "the account has another identity key since the backup was made",
    );
  }
  return comeBack(env, server, place, {
    identifier,
    known,
    identityKey: { privateKey: account.identityPrivateKey, publicKey: account.identityPublicKey },
    backupKey: account.backupKey,
    recoveryKey: account.recoveryKey === "" ? undefined : account.recoveryKey,
    ticket: result.ticket,
    passphrase: options.passphrase,
    deviceName: options.deviceName,
    othersLost: options.othersLost === true,
    fill: (store) => takeBackup(env, store, readBackup(env, options.file, options.backupPassphrase)),
  });
}

async function listOf(env: Env, { deviceList, identityHistory }: BackupAccount) {
  if (deviceList === undefined) throw new StorageError("backup_damaged", "the backup has no device list");
  return restoreDeviceList(env.crypto, toBinary(SignedDeviceListSchema, deviceList), identityHistory);
}

function checkKeys({ identityPrivateKey, identityPublicKey, backupKey }: BackupAccount): void {
  if ([identityPrivateKey, identityPublicKey, backupKey].some(({ length }) => length !== keyBytes)) {
    throw new StorageError("backup_damaged", "a key in the backup has a wrong length");
  }
}
