/**
 * Becoming a device of an account by its identity key, which a backup gave: a one-time password proves the identifier, the lists are checked,
 * and the identity key puts this device on the next one.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  createVault,
  nextDeviceList,
  sealRequest,
  signDeviceList,
  verifyDeviceLists,
  type Ed25519KeyPair,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  FinishRecoveryPayloadSchema,
  LIMITS,
  ReadListsPayloadSchema,
  ReadListsResultSchema,
  RecoverPayloadSchema,
  RecoverResultSchema,
  UsageError,
  ValidationError,
  decode,
  toHex,
  type Identifier,
  type RecoverResult,
  type SignedDeviceList,
} from "@sotto/protocol";
import { storeLinked } from "../devices/joining-account.ts";
import { makeDeviceKeys } from "../devices/link-offer.ts";
import { sealName } from "../devices/names.ts";
import type { Env } from "../env.ts";
import type { OwnAccount } from "../records.ts";
import { canSignIn, publishFirstKeyPackages, requestOneTimeCode } from "../registration.ts";
import { vaultStore, type VaultStore } from "../vault-store.ts";
import type { TrustedServer } from "./server-choice.ts";
import type { VaultPlace } from "./world.ts";

const publishWithinMs = 15_000;

/** Shows the server that somebody has the identifier. @param code the six digits, or how to ask for them once they are on their way. */
export async function proveIdentifier(
  env: Env,
  server: TrustedServer,
  identifier: Identifier,
  code: string | (() => Promise<string>),
): Promise<RecoverResult> {
  if (typeof code !== "string") {
    await requestOneTimeCode(env, server.transport, server.serverKey, identifier, true);
  }
  const asked = create(RecoverPayloadSchema, {
    identifier,
    code: typeof code === "string" ? code : await code(),
  });
  const answer = await sealedCall(env, server, "Recover", toBinary(RecoverPayloadSchema, asked));
  return decode(RecoverResultSchema, answer);
}

/** The account's newest list, checked. @param known the newest that was checked before. */
export async function allLists(
  env: Env,
  server: TrustedServer,
  result: RecoverResult,
  known: VerifiedDeviceList,
): Promise<VerifiedDeviceList> {
  let newest = known;
  while (BigInt(newest.version) < result.newestVersion) {
    const asked = create(ReadListsPayloadSchema, {
      ticket: result.ticket,
      fromVersion: BigInt(newest.version) + 1n,
    });
    const more = decode(
      ReadListsResultSchema,
      await sealedCall(env, server, "ReadLists", toBinary(ReadListsPayloadSchema, asked)),
    );
    if (more.lists.length === 0)
      throw new ValidationError("device_list_invalid", "the server holds lists back");
    newest = await verifyDeviceLists(env.crypto, newest, more.lists);
  }
  return newest;
}

/** What a device that comes back has in its hands. */
export interface Comeback {
  readonly identifier: Identifier;
  /** The account's newest list. */
  readonly known: VerifiedDeviceList;
  /** The key pair that it names. */
  readonly identityKey: Ed25519KeyPair;
  readonly backupKey: Uint8Array;
  /** As its owner keeps it; undefined where it is not known. */
  readonly recoveryKey: string | undefined;
  readonly ticket: Uint8Array;
  readonly passphrase: string;
  readonly deviceName: string;
  /** Whether the account's other devices are lost: then they are revoked. */
  readonly othersLost: boolean;
  /** Stores what is known beside the account, before the server hears of this device. */
  fill(store: VaultStore): Promise<void>;
}

/** Puts this device on the list, in a vault of its own. When it throws, what is in the place is of no use. */
export async function comeBack(
  env: Env,
  server: TrustedServer,
  place: VaultPlace,
  comeback: Comeback,
): Promise<OwnAccount> {
  const { known, identityKey, ticket } = comeback;
  const made = await makeDeviceKeys(env);
  const next = nextDeviceList(known, Math.floor(env.nowMs() / 1000));
  if (comeback.othersLost) {
    for (const device of next.devices)
      if (device.revokedAtSec === 0n) device.revokedAtSec = next.createdAtSec;
  }
  if (next.devices.length >= LIMITS.maxDevices)
    throw new UsageError("usage", "the account had too many devices");
  const { device } = made;
  for (const key of device.classicKeys) key.addedAtSec = next.createdAtSec;
  next.devices.push({
    ...device,
    addedAtSec: next.createdAtSec,
    sealedName: await sealName(env, comeback.backupKey, comeback.deviceName),
  });
  const signed = await signDeviceList(env.crypto, next, identityKey.privateKey);
  const list = await verifyDeviceLists(env.crypto, known, [signed]);

  const own: OwnAccount = {
    status: "registered",
    identifier: comeback.identifier,
    account: toHex(known.list.accountId),
    serverOrigin: server.origin,
    serverPublicKey: server.serverKey.publicKey,
    serverFingerprint: server.serverKey.fingerprint,
    identityKey,
    backupKey: comeback.backupKey,
    ...made.own,
  };
  // Stored before the server hears of it: once it has, these keys may be the account's only ones.
  const { header, vault } = await createVault(env.crypto, comeback.passphrase);
  const storage = await place.openStorage();
  await place.header.write(header);
  const store = vaultStore(vault, storage);
  const directory = { deviceList: list.signedBytes, identityHistory: list.identityHistory, refreshedAtMs: 0 };
  try {
    const { recoveryKey } = comeback;
    await storeLinked(store, { own, directory, ...(recoveryKey !== undefined && { recoveryKey }) });
    await comeback.fill(store);
    await finish(env, server, store, ticket, signed);
    await publishFirstKeyPackages(env, store, server.transport, publishWithinMs);
  } finally {
    await store.close();
  }
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
