/**
 * Registering into a folder. A vault is kept only when the account exists, or may exist: after an answer that certainly made none, what
 * was made is removed; after a failure in between, the next call in the same folder goes on with the same keys.
 */
import { createVault, openVault } from "@sotto/crypto";
import { StorageError, UsageError, equalBytes, parseIdentifier, type Identifier } from "@sotto/protocol";
import type { RegisterOptions } from "../../api.ts";
import { makeRecoveryKey } from "../../core/devices/recovery.ts";
import type { Env } from "../../core/env.ts";
import { names, type OwnAccount } from "../../core/records.ts";
import {
  canSignIn,
  isDefinitive,
  markRegistered,
  publishFirstKeyPackages,
  registerPending,
  requestOneTimeCode,
  storeNewAccount,
} from "../../core/registration.ts";
import type { Transport } from "../../core/transport.ts";
import { vaultStore, type VaultStore } from "../../core/vault-store.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import { nodeTransport } from "./transport.ts";
import { prepareVaultFolder, type VaultFolder } from "./vault-folder.ts";

/** What the attempts share. */
interface Attempt {
  readonly env: Env;
  readonly server: TrustedServer;
  readonly folder: VaultFolder;
  readonly identifier: Identifier;
  readonly options: RegisterOptions;
}

/** Makes an account and its vault. @throws as register in node.ts. */
export async function registerInFolder(env: Env, options: RegisterOptions): Promise<OwnAccount> {
  const identifier = parseIdentifier(options.identifier);
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const server = await trustServer(env, options);
  const folder = prepareVaultFolder(options.home);
  const attempt = { env, server, folder, identifier, options };
  try {
    return folder.exists ? await resume(attempt) : await begin(attempt);
  } finally {
    folder.release();
  }
}

async function begin(attempt: Attempt): Promise<OwnAccount> {
  const { env, folder, options } = attempt;
  let code: string;
  try {
    code = await askCode(attempt);
  } catch (cause) {
    folder.discard();
    throw cause;
  }
  const { header, vault } = await createVault(env.crypto, options.passphrase);
  const storage = folder.openStorage();
  await folder.header.write(header);
  return finish(attempt, vaultStore(vault, storage), code);
}

async function resume(attempt: Attempt): Promise<OwnAccount> {
  const { env, server, folder, identifier, options } = attempt;
  const vault = await openVault(env.crypto, await folder.header.read(), options.passphrase);
  const store = vaultStore(vault, folder.openStorage());
  try {
    const before = await store.get(names.own);
    if (before?.status === "registered") {
      throw new StorageError("vault_exists", "that folder holds an account already");
    }
    // Its keys may be an account's only ones: they are given up only when its server says that there is no such account.
    if (before !== undefined && (await canSignIn(env, store, transportTo(before, server)))) {
      await markRegistered(store, before);
      if (before.identifier !== identifier) {
        throw new StorageError(
          "vault_exists",
          "that folder holds another account, whose registration succeeded",
        );
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
function transportTo(pending: OwnAccount, server: TrustedServer): Transport {
  return equalBytes(pending.serverFingerprint, server.serverKey.fingerprint)
    ? server.transport
    : nodeTransport(pending.serverOrigin);
}

async function askCode({ env, server, identifier, options }: Attempt): Promise<string> {
  if (typeof options.code === "string") return options.code;
  await requestOneTimeCode(env, server.transport, server.serverKey, identifier);
  return options.code();
}

async function finish(attempt: Attempt, store: VaultStore, code: string): Promise<OwnAccount> {
  const { env, server, folder } = attempt;
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
    if (exists === false) folder.discard();
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
  if (before?.identifier === identifier && before.serverOrigin === server.origin) return before;
  const { text, backupKey } = await makeRecoveryKey(env);
  const own = await storeNewAccount(env, store, {
    identifier,
    serverOrigin: server.origin,
    serverKey: server.serverKey,
    backupKey,
    deviceName: options.deviceName ?? "",
  });
  options.onRecoveryKey?.(text);
  return own;
}
