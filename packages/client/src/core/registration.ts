/**
 * Making an account. The keys are stored before the server hears of them, so that a crash at any point strands nothing: whoever comes
 * back with the same vault first tries to sign in, and registers again with the same keys if that is refused.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  createIdentity,
  generateInboxKey,
  decodeSignedDeviceList,
  generateClassicKey,
  sealRequest,
  signDeviceList,
  verifyDeviceLists,
  type ServerKey,
} from "@sotto/crypto";
import {
  DeviceListSchema,
  ID_BYTES,
  InternalError,
  RegisterPayloadSchema,
  RequestCodePayloadSchema,
  RequestCodeResultSchema,
  TransportError,
  decode,
  isErrorCode,
  toHex,
  type Identifier,
  RefusedError,
} from "@sotto/protocol";
import { startEngine } from "./engine.ts";
import { sealName } from "./devices/names.ts";
import type { Env } from "./env.ts";
import { backedUp, type RecoveryKey } from "./devices/recovery.ts";
import { KEY_PACKAGES_PUBLISHED } from "./groups/key-packages.ts";
import { names, type OwnAccount } from "./records.ts";
import type { Transport } from "./transport.ts";
import type { VaultStore } from "./vault-store.ts";

/** What the server promised about a one-time password. */
export interface CodeRequested {
  readonly expiresInSec: number;
  readonly resendAfterSec: number;
}

/** Has the server send a one-time password; `forExisting`: to come back to an account, not to make one. @throws RefusedError, TransportError, CryptoError `server_key_mismatch`. */
export async function requestOneTimeCode(
  env: Env,
  transport: Transport,
  serverKey: ServerKey,
  identifier: Identifier,
  forExisting = false,
): Promise<CodeRequested> {
  const payload = toBinary(
    RequestCodePayloadSchema,
    create(RequestCodePayloadSchema, { identifier, forExisting }),
  );
  const request = await sealRequest(env.crypto, serverKey, "RequestCode", payload);
  const answer = await request.openAnswer(await transport.call("RequestCode", request.sealed));
  const { expiresInSec, resendAfterSec } = decode(RequestCodeResultSchema, answer);
  return { expiresInSec, resendAfterSec };
}

/** Makes a new account's keys and its first device list, and stores them, pending. */
export async function storeNewAccount(
  env: Env,
  store: VaultStore,
  account: {
    readonly identifier: Identifier;
    readonly serverOrigin: string;
    readonly serverKey: ServerKey;
    readonly recoveryKey: RecoveryKey;
    /** What the owner calls this device. */
    readonly deviceName: string;
    /** What the owner calls themselves; empty or absent: nothing. */
    readonly name?: string;
  },
): Promise<OwnAccount> {
  const { crypto } = env;
  const [identityKey, deviceKey, inboxKey, classicKey] = await Promise.all([
    createIdentity(crypto),
    crypto.ed25519Generate(),
    generateInboxKey(env.mlsProvider),
    generateClassicKey(crypto),
  ]);
  const [accountId, deviceId, inboxId] = [0, 1, 2].map(() => crypto.randomBytes(ID_BYTES)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const now = BigInt(Math.floor(env.nowMs() / 1000));
  const list = create(DeviceListSchema, {
    accountId,
    version: 1n,
    identityKey: identityKey.publicKey,
    createdAtSec: now,
    devices: [
      {
        deviceId,
        signatureKey: deviceKey.publicKey,
        inboxId,
        inboxKey: inboxKey.publicKey,
        sealedName: await sealName(env, account.recoveryKey.backupKey, account.deviceName),
        classicKeys: [{ publicKey: classicKey.publicKey, addedAtSec: now }],
        addedAtSec: now,
      },
    ],
  });
  const signed = await signDeviceList(crypto, list, identityKey.privateKey);
  const verified = await verifyDeviceLists(crypto, undefined, [signed]);
  const own: OwnAccount = {
    status: "pending",
    identifier: account.identifier,
    account: toHex(accountId),
    device: toHex(deviceId),
    inbox: toHex(inboxId),
    serverOrigin: account.serverOrigin,
    serverPublicKey: account.serverKey.publicKey,
    serverFingerprint: account.serverKey.fingerprint,
    identityKey,
    deviceKey,
    inboxKey,
    backupKey: account.recoveryKey.backupKey,
    classicKeys: [{ ...classicKey, retiredAt: 0 }],
  };
  const draft = store.draft();
  draft.put(names.own, own);
  if (account.name) draft.put(names.profile, { name: account.name, changedAtMs: Math.floor(env.nowMs()) });
  draft.put(names.recoveryKey, account.recoveryKey.text);
  draft.put(names.directory(own.account), {
    deviceList: verified.signedBytes,
    identityHistory: verified.identityHistory,
    refreshedAtMs: 0,
  });
  await draft.commit();
  return own;
}

/** Registers a pending account with its one-time password. @throws RefusedError, TransportError. */
export async function registerPending(
  env: Env,
  store: VaultStore,
  transport: Transport,
  serverKey: ServerKey,
  own: OwnAccount,
  code: string,
): Promise<void> {
  const pinned = await store.get(names.directory(own.account));
  if (pinned === undefined) throw new InternalError("internal", "the vault holds no device list of its own");
  const payload = create(RegisterPayloadSchema, {
    identifier: own.identifier,
    code,
    deviceList: decodeSignedDeviceList(pinned.deviceList),
  });
  const bytes = toBinary(RegisterPayloadSchema, payload);
  const request = await sealRequest(env.crypto, serverKey, "Register", bytes);
  await request.openAnswer(await transport.call("Register", request.sealed));
  await markRegistered(store, own);
}

/** Notes that the server has the account. */
export async function markRegistered(store: VaultStore, own: OwnAccount): Promise<void> {
  const draft = store.draft();
  draft.put(names.own, { ...own, status: "registered" });
  await draft.commit();
}

/**
 * Whether the server lets a pending account's device sign in: then an earlier registration succeeded, and only its answer was lost.
 * The store stays open.
 * @throws TransportError and others, when the server cannot be asked.
 */
export async function canSignIn(env: Env, store: VaultStore, transport: Transport): Promise<boolean> {
  const engine = await startEngine({ ...store, close: async () => {} }, transport, env);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      engine.subscribe((event) => {
        if (event.type !== "connection" || event.state === "connecting") return;
        if (event.state === "online") return resolve(true);
        if (event.problem === "sign_in_refused") return resolve(false);
        const code = event.problem !== undefined && isErrorCode(event.problem) ? event.problem : undefined;
        reject(
          code === undefined
            ? new TransportError("server_unreachable", "the server cannot be reached")
            : new TransportError(code, "the server cannot be asked whether the account exists"),
        );
      });
    });
  } finally {
    await engine.close();
  }
}

/**
 * Signs a new device in, and waits until the server has its KeyPackages, so that others can write to it while it is away, and the account's
 * backup. What does not work within that time is done when the account is opened next. The store stays open.
 */
export async function publishFirstKeyPackages(
  env: Env,
  store: VaultStore,
  transport: Transport,
  withinMs: number,
): Promise<void> {
  const engine = await startEngine({ ...store, close: async () => {} }, transport, env);
  try {
    const { published } = await engine.run(async (step) => ({
      published: step.live.keyPackages.published
        ? Promise.resolve()
        : step.waiters.wait(KEY_PACKAGES_PUBLISHED),
    }));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = env.setTimer(withinMs, resolve);
    await Promise.race([Promise.all([published, backedUp(engine)]), late]);
    cancel();
  } finally {
    await engine.close();
  }
}

const definitive = new Set([
  "code_refused",
  "identifier_taken",
  "identifier_invalid",
  "server_full",
  "rate_limited",
  "device_list_invalid",
  "log_exists",
]);

/** Whether the server said, under the seal, that a registration made no account. */
export const isDefinitive = (cause: unknown): boolean =>
  cause instanceof RefusedError && definitive.has(cause.code);
