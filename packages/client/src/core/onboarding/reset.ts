/**
 * Beginning anew when every device and the recovery key are lost: the identifier gets a new account, after a delay in which the old one's
 * devices can object. The new account's keys wait in the place meanwhile; the same call in the same place ends it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { createVault, decodeSignedDeviceList, openVault, sealRequest } from "@sotto/crypto";
import {
  InternalError,
  RefusedError,
  ResetPayloadSchema,
  ResetResultSchema,
  StorageError,
  UsageError,
  decode,
  parseIdentifier,
  type Identifier,
} from "@sotto/protocol";
import type { Reset, ResetState } from "../../api.ts";
import { makeRecoveryKey } from "../devices/recovery.ts";
import type { Env } from "../env.ts";
import { names, type OwnAccount } from "../records.ts";
import {
  markRegistered,
  publishFirstKeyPackages,
  requestOneTimeCode,
  storeNewAccount,
} from "../registration.ts";
import { vaultStore, type VaultStore } from "../vault-store.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

const publishWithinMs = 15_000;

/** Begins or ends a reset. @throws as reset in node.ts. */
export async function reset(world: OnboardingWorld, options: Reset): Promise<ResetState> {
  const { env } = world;
  const identifier = parseIdentifier(options.identifier);
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const server = await trustServer(world, options);
  const place = await world.takePlace();
  const began = place.exists;
  try {
    const store = await openStore(env, place, options.passphrase);
    try {
      return await ask(env, server, store, identifier, options);
    } finally {
      await store.close();
    }
  } catch (cause) {
    // Made just now, and the server said under the seal that it led to nothing: what waits for its time stays.
    if (!began && cause instanceof RefusedError) await place.discard();
    throw cause;
  } finally {
    place.release();
  }
}

async function openStore(env: Env, place: VaultPlace, passphrase: string): Promise<VaultStore> {
  if (place.exists) {
    const vault = await openVault(env.crypto, await place.header.read(), passphrase);
    return vaultStore(vault, await place.openStorage());
  }
  const { header, vault } = await createVault(env.crypto, passphrase);
  const storage = await place.openStorage();
  await place.header.write(header);
  return vaultStore(vault, storage);
}

async function ask(
  env: Env,
  server: TrustedServer,
  store: VaultStore,
  identifier: Identifier,
  options: Reset,
): Promise<ResetState> {
  if (typeof options.code !== "string") {
    await requestOneTimeCode(env, server.transport, server.serverKey, identifier, true);
  }
  const code = typeof options.code === "string" ? options.code : await options.code();
  const own = await pendingAccount(env, server, store, identifier, options);
  const pinned = await store.get(names.directory(own.account));
  if (pinned === undefined) throw new InternalError("internal", "the vault holds no device list of its own");
  const payload = create(ResetPayloadSchema, {
    identifier,
    code,
    deviceList: decodeSignedDeviceList(pinned.deviceList),
  });
  const bytes = toBinary(ResetPayloadSchema, payload);
  const request = await sealRequest(env.crypto, server.serverKey, "Reset", bytes);
  const answer = await request.openAnswer(await server.transport.call("Reset", request.sealed));
  const { done, resetAtSec, lapsesAtSec } = decode(ResetResultSchema, answer);
  if (!done) return { done, resetAt: Number(resetAtSec), lapsesAt: Number(lapsesAtSec) };
  await markRegistered(store, own);
  await publishFirstKeyPackages(env, store, server.transport, publishWithinMs);
  return { done, resetAt: Number(resetAtSec), lapsesAt: Number(lapsesAtSec) };
}

async function pendingAccount(
  env: Env,
  server: TrustedServer,
  store: VaultStore,
  identifier: Identifier,
  options: Reset,
): Promise<OwnAccount> {
  const before = await store.get(names.own);
  if (before?.status === "registered") {
    throw new StorageError("vault_exists", "there is an account already");
  }
  if (before?.identifier === identifier && before.serverOrigin === server.origin) return before;
  const recoveryKey = await makeRecoveryKey(env);
  const own = await storeNewAccount(env, store, {
    identifier,
    serverOrigin: server.origin,
    serverKey: server.serverKey,
    recoveryKey,
    deviceName: options.deviceName ?? "",
  });
  options.onRecoveryKey?.(recoveryKey.text);
  return own;
}
