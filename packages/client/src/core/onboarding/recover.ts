/**
 * Coming back with the recovery key: a one-time password proves the identifier, the key opens the backup, and the identity key in it puts
 * this device on the account's list, all others off it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  createVault,
  nextDeviceList,
  sealRequest,
  signDeviceList,
  verifyDeviceLists,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  FinishRecoveryPayloadSchema,
  LIMITS,
  ReadListsPayloadSchema,
  ReadListsResultSchema,
  RecoverPayloadSchema,
  RecoverResultSchema,
  RefusedError,
  UsageError,
  ValidationError,
  accountId,
  decode,
  equalBytes,
  parseIdentifier,
  toHex,
  type RecoverResult,
  type RecoveryBackup,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { Recovery } from "../../api.ts";
import { restoreContacts, storeLinked } from "../devices/joining-account.ts";
import { makeDeviceKeys } from "../devices/link-offer.ts";
import { sealName } from "../devices/names.ts";
import { openBackup, readRecoveryKey, type RecoveryKey } from "../devices/recovery.ts";
import type { Env } from "../env.ts";
import type { OwnAccount } from "../records.ts";
import { canSignIn, publishFirstKeyPackages, requestOneTimeCode } from "../registration.ts";
import { vaultStore, type VaultStore } from "../vault-store.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

const publishWithinMs = 15_000;

/** Recovers an account. @throws as recover in node.ts. */
export async function recover(world: OnboardingWorld, options: Recovery): Promise<OwnAccount> {
  const { env } = world;
  const identifier = parseIdentifier(options.identifier);
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const recoveryKey = await readRecoveryKey(env, options.recoveryKey);
  const server = await trustServer(world, options);
  const place = await world.takePlace();
  try {
    if (place.exists) throw new UsageError("vault_exists", "there is an account already");
    return await prove(env, server, place, { ...options, identifier }, recoveryKey);
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
  options: Recovery & { readonly identifier: ReturnType<typeof parseIdentifier> },
  recoveryKey: RecoveryKey,
): Promise<OwnAccount> {
  const { identifier } = options;
  if (typeof options.code !== "string") {
    await requestOneTimeCode(env, server.transport, server.serverKey, identifier, true);
  }
  const code = typeof options.code === "string" ? options.code : await options.code();
  const asked = create(RecoverPayloadSchema, { identifier, code });
  const result = decode(
    RecoverResultSchema,
    await sealedCall(env, server, "Recover", toBinary(RecoverPayloadSchema, asked)),
  );
  if (result.backup.length === 0) {
    throw new ValidationError("recovery_key_wrong", "the server has no backup of that account");
  }
  const backup = await openBackup(env, recoveryKey.backupKey, result.backup);
  const known = await allLists(env, server, result);
  if (!equalBytes(known.list.identityKey, backup.identityPublicKey)) {
    throw new ValidationError("recovery_key_wrong", "the backup is older than the account's identity key");
  }
  return joinAccount(env, server, place, options, { known, backup, recoveryKey, ticket: result.ticket });
}

async function allLists(env: Env, server: TrustedServer, result: RecoverResult): Promise<VerifiedDeviceList> {
  let known = await verifyDeviceLists(env.crypto, undefined, result.lists, accountId(result.accountId));
  while (BigInt(known.version) < result.newestVersion) {
    const asked = create(ReadListsPayloadSchema, {
      ticket: result.ticket,
      fromVersion: BigInt(known.version) + 1n,
    });
    const more = decode(
      ReadListsResultSchema,
      await sealedCall(env, server, "ReadLists", toBinary(ReadListsPayloadSchema, asked)),
    );
    if (more.lists.length === 0)
      throw new ValidationError("device_list_invalid", "the server holds lists back");
    known = await verifyDeviceLists(env.crypto, known, more.lists);
  }
  return known;
}

async function joinAccount(
  env: Env,
  server: TrustedServer,
  place: VaultPlace,
  options: Recovery,
  account: {
    readonly known: VerifiedDeviceList;
    readonly backup: RecoveryBackup;
    readonly recoveryKey: RecoveryKey;
    readonly ticket: Uint8Array;
  },
): Promise<OwnAccount> {
  const { known, backup, recoveryKey, ticket } = account;
  const made = await makeDeviceKeys(env);
  const next = nextDeviceList(known, Math.floor(env.nowMs() / 1000));
  for (const device of next.devices) if (device.revokedAtSec === 0n) device.revokedAtSec = next.createdAtSec;
  if (next.devices.length >= LIMITS.maxDevices)
    throw new UsageError("usage", "the account had too many devices");
  const { device } = made;
  for (const key of device.classicKeys) key.addedAtSec = next.createdAtSec;
  next.devices.push({
    ...device,
    addedAtSec: next.createdAtSec,
    sealedName: await sealName(env, recoveryKey.backupKey, options.deviceName),
  });
  const signed = await signDeviceList(env.crypto, next, backup.identityPrivateKey);
  const list = await verifyDeviceLists(env.crypto, known, [signed]);

  const own: OwnAccount = {
    status: "registered",
    identifier: parseIdentifier(options.identifier),
    account: toHex(known.list.accountId),
    serverOrigin: server.origin,
    serverPublicKey: server.serverKey.publicKey,
    serverFingerprint: server.serverKey.fingerprint,
    identityKey: { privateKey: backup.identityPrivateKey, publicKey: backup.identityPublicKey },
    backupKey: recoveryKey.backupKey,
    ...made.own,
  };
  // Stored before the server hears of it: once it has, these keys are the account's only ones.
  const { header, vault } = await createVault(env.crypto, options.passphrase);
  const storage = await place.openStorage();
  await place.header.write(header);
  const store = vaultStore(vault, storage);
  const directory = { deviceList: list.signedBytes, identityHistory: list.identityHistory, refreshedAtMs: 0 };
  try {
    await storeLinked(store, { own, directory, recoveryKey: recoveryKey.text });
    await restoreContacts(env, store, backup);
    await finish(env, server, store, ticket, signed);
    await publishFirstKeyPackages(env, store, server.transport, publishWithinMs);
  } catch (cause) {
    await store.close();
    if (cause instanceof RefusedError) await place.discard();
    throw cause;
  }
  await store.close();
  return own;
}

/** Publishes the list; when the answer is lost, signing in tells whether the server has it. */
async function finish(
  env: Env,
  server: TrustedServer,
  store: VaultStore,
  ticket: Uint8Array,
  deviceList: SignedDeviceList,
): Promise<void> {
  const payload = create(FinishRecoveryPayloadSchema, { ticket, deviceList });
  try {
    await sealedCall(env, server, "FinishRecovery", toBinary(FinishRecoveryPayloadSchema, payload));
  } catch (cause) {
    if (!(await canSignIn(env, store, server.transport).catch(() => false))) throw cause;
  }
}

async function sealedCall(
  env: Env,
  server: TrustedServer,
  method: "Recover" | "ReadLists" | "FinishRecovery",
  payload: Uint8Array,
): Promise<Uint8Array> {
  const request = await sealRequest(env.crypto, server.serverKey, method, payload);
  return request.openAnswer(await server.transport.call(method, request.sealed));
}
