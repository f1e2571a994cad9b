/**
 * Registering into a place. A vault is kept only when the account exists, or may exist: after an answer that certainly made none, what
 * was made is removed; after a failure in between, the next call for the same place goes on with the same keys.
 */
import { createVault, openVault } from "@sotto/crypto";
import { StorageError, UsageError, equalBytes, parseIdentifier, type Identifier } from "@sotto/protocol";
import type { NewAccount } from "../../api.ts";
import { makeRecoveryKey } from "../devices/recovery.ts";
import type { Env } from "../env.ts";
import { names, type OwnAccount } from "../records.ts";
import { checkName } from "../profile.ts";
import {
  canSignIn,
  isDefinitive,
  markRegistered,
  publishFirstKeyPackages,
  registerPending,
  requestOneTimeCode,
  storeNewAccount,
} from "../registration.ts";
import type { Transport } from "../transport.ts";
import { vaultStore, type VaultStore } from "../vault-store.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

/** What the attempts share. */
interface Attempt {
  readonly world: OnboardingWorld;
  readonly env: Env;
  readonly server: TrustedServer;
  readonly place: VaultPlace;
  readonly identifier: Identifier;
  readonly options: NewAccount;
}

/** Makes an account and its vault. @throws as register in node.ts. */
export async function register(world: OnboardingWorld, options: NewAccount): Promise<OwnAccount> {
  const identifier = parseIdentifier(options.identifier);
  checkName(options.name ?? "");
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const server = await trustServer(world, options);
  const place = await world.takePlace();
  const attempt = { world, env: world.env, server, place, identifier, options };
  try {
    return place.exists ? await resume(attempt) : await begin(attempt);
  } finally {
    place.release();
  }
}

async function begin(attempt: Attempt): Promise<OwnAccount> {
  const { env, place, options } = attempt;
  let code: string;
  try {
    code = await askCode(attempt);
  } catch (cause) {
    await place.discard();
    throw cause;
  }
  const { header, vault } = await createVault(env.crypto, options.passphrase);
  const storage = await place.openStorage();
  await place.header.write(header);
  return finish(attempt, vaultStore(vault, storage), code);
}

async function resume(attempt: Attempt): Promise<OwnAccount> {
  const { world, env, server, place, identifier, options } = attempt;
  const vault = await openVault(env.crypto, await place.header.read(), options.passphrase);
  const store = vaultStore(vault, await place.openStorage());
  try {
    const before = await store.get(names.own);
    if (before?.status === "registered") {
      throw new StorageError("vault_exists", "there is an account already");
    }
    // Its keys may be an account's only ones: they are given up only when its server says that there is no such account.
    if (before !== undefined && (await canSignIn(env, store, transportTo(world, before, server)))) {
      await markRegistered(store, before);
      if (before.identifier !== identifier) {
        throw new StorageError("vault_exists", "there is another account, whose registration succeeded");
      }
      await store.close();
      return before;
    }
    const code = await askCode(attempt);
    return await finish(attempt, store, code);
  } catch (cause) {
    await store.close();
    throw cause;
  }
}

/** The way to the server of a pending account: the present one if it holds the same key, whatever its address. */
function transportTo(world: OnboardingWorld, pending: OwnAccount, server: TrustedServer): Transport {
  return equalBytes(pending.serverFingerprint, server.serverKey.fingerprint)
    ? server.transport
    : world.transportTo(pending.serverOrigin);
}

async function askCode({ env, server, identifier, options }: Attempt): Promise<string> {
  if (typeof options.code === "string") return options.code;
  await requestOneTimeCode(env, server.transport, server.serverKey, identifier);
  return options.code();
}

async function finish(attempt: Attempt, store: VaultStore, code: string): Promise<OwnAccount> {
  const { env, server, place } = attempt;
  const own = await pendingAccount(attempt, store);
  try {
    await registerPending(env, store, server.transport, server.serverKey, own, code);
  } catch (cause) {
    // This try or an earlier one may have succeeded after all; then these keys are the account's only ones.
    const exists = isDefinitive(cause)
      ? await canSignIn(env, store, server.transport).catch(() => undefined)
      : undefined;
    if (exists === true) await markRegistered(store, own);
    await store.close();
    if (exists === true) return own;
    if (exists === false) await place.discard();
    throw cause;
  }
  await publishFirstKeyPackages(env, store, server.transport, publishWithinMs);
  await store.close();
  return own;
}

/** Registering is done whether or not this works: the account's next start does it otherwise. */
const publishWithinMs = 15_000;

/** The keys of an earlier try for the same identifier and server, or new ones. */
async function pendingAccount(attempt: Attempt, store: VaultStore): Promise<OwnAccount> {
  const { env, server, identifier, options } = attempt;
  const before = await store.get(names.own);
  if (before?.identifier === identifier && before.serverOrigin === server.origin) {
    // What was told before may have been lost with the program that was told.
    const made = await store.get(names.recoveryKey);
    if (made !== undefined) options.onRecoveryKey?.(made);
    return before;
  }
  const recoveryKey = await makeRecoveryKey(env);
  const own = await storeNewAccount(env, store, {
    identifier,
    serverOrigin: server.origin,
    serverKey: server.serverKey,
    recoveryKey,
    deviceName: options.deviceName ?? "",
    name: options.name ?? "",
  });
  options.onRecoveryKey?.(recoveryKey.text);
  return own;
}
