/**
 * What a new device shows and what comes back: the offer, which the code commits to, and the sealed answer with the account's keys. Both
 * travel sealed under keys of the code, so that each side knows the other for one that saw it. Pure over the crypto ports.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  createIdentity,
  decodeSignedDeviceList,
  findDevice,
  generateClassicKey,
  generateInboxKey,
  restoreDeviceList,
  type KemKeyPair,
  type ServerKey,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  DeviceSchema,
  ID_BYTES,
  LABELS,
  LIMITS,
  LinkAnswerSchema,
  LinkOfferSchema,
  SealedLinkAnswerSchema,
  SignedDeviceListSchema,
  ValidationError,
  accountId,
  decode,
  deviceId,
  equalBytes,
  parseIdentifier,
  toHex,
  utf8,
  type Device,
  type LinkOffer,
} from "@sotto/protocol";
import type { Env } from "../env.ts";
import { bytesOf } from "../hex.ts";
import type { DirectoryRecord, OwnAccount } from "../records.ts";
import { formatCode } from "./code.ts";
import { codeOfOffer, keysOfCode, openUnderCode, sealUnderCode, type LinkKeys } from "./link-keys.ts";

/** A device of its own keys, with everything that only it knows. */
export interface DeviceKeys {
  /** As a device list is to name it, without its times and name. */
  readonly device: Device;
  readonly own: Pick<OwnAccount, "device" | "inbox" | "deviceKey" | "inboxKey" | "classicKeys">;
}

/** A device that asks to be linked. */
export interface NewDevice extends DeviceKeys {
  /** Sealed under the code: what the server keeps. */
  readonly offer: Uint8Array;
  /** ABCD-EFGH-JKMN-PQRS: what people type on the other device. The server must never see it. */
  readonly code: string;
  readonly keys: LinkKeys;
  /** Shown by AwaitLink, 32 bytes. */
  readonly secret: Uint8Array;
  readonly answerKey: KemKeyPair;
}

/** Makes the keys of a device that is to be on the list of an account that exists. */
export async function makeDeviceKeys(env: Env): Promise<DeviceKeys> {
  const { crypto, mlsProvider } = env;
  const [deviceKey, inboxKey, classicKey] = await Promise.all([
    createIdentity(crypto),
    generateInboxKey(mlsProvider),
    generateClassicKey(crypto),
  ]);
  const [id, inbox] = [crypto.randomBytes(ID_BYTES), crypto.randomBytes(ID_BYTES)];
  const device = create(DeviceSchema, {
    deviceId: id,
    signatureKey: deviceKey.publicKey,
    inboxId: inbox,
    inboxKey: inboxKey.publicKey,
    classicKeys: [{ publicKey: classicKey.publicKey }],
  });
  return {
    device,
    own: {
      device: toHex(id),
      inbox: toHex(inbox),
      deviceKey,
      inboxKey,
      classicKeys: [{ ...classicKey, retiredAt: 0 }],
    },
  };
}

/** Makes a device that asks to be linked. @param fingerprint of the server's key. */
export async function makeNewDevice(
  env: Env,
  fingerprint: Uint8Array,
  name: string,
  platform: string,
): Promise<NewDevice> {
  const made = await makeDeviceKeys(env);
  const answerKey = await env.mlsProvider.suites["x-wing"].kemGenerate();
  const { device } = made;
  const offer = toBinary(
    LinkOfferSchema,
    create(LinkOfferSchema, { device, answerKey: answerKey.publicKey, name, platform }),
  );
  const code = await codeOfOffer(env, offer);
  const keys = await keysOfCode(env, code, fingerprint);
  return {
    ...made,
    offer: await sealUnderCode(env, keys.offerKey, LABELS.linkOffer, offer),
    code: formatCode(code),
    keys,
    secret: env.crypto.randomBytes(32),
    answerKey,
  };
}

/** Reads what the server gave for a code. @throws ValidationError `link_refused` when it is of another code; CodecError `malformed`. */
export async function readOffer(
  env: Env,
  code: Uint8Array,
  keys: LinkKeys,
  sealed: Uint8Array,
): Promise<LinkOffer & { readonly device: Device }> {
  const offer = await openUnderCode(env, keys.offerKey, LABELS.linkOffer, sealed).catch(() => undefined);
  if (offer === undefined || !equalBytes(await codeOfOffer(env, offer), code)) {
    throw new ValidationError("link_refused", "what the server shows is not what that code is for");
  }
  const read = decode(LinkOfferSchema, offer, LIMITS.maxLinkOfferBytes);
  const { device } = read;
  const fits =
    device !== undefined &&
    device.deviceId.length === ID_BYTES &&
    device.inboxId.length === ID_BYTES &&
    device.signatureKey.length === 32 &&
    device.inboxKey.length === 32 &&
    device.classicKeys.length <= 1;
  if (!fits) throw new ValidationError("link_refused", "the device that asks does not say who it is");
  return { ...read, device };
}

/** Seals the account's keys for a new device: to the key in its offer, and under the code, which shows that this device was given it. */
export async function sealAnswer(
  env: Env,
  keys: LinkKeys,
  offer: LinkOffer,
  own: OwnAccount,
  list: VerifiedDeviceList,
): Promise<Uint8Array> {
  const answer = toBinary(
    LinkAnswerSchema,
    create(LinkAnswerSchema, {
      identifier: own.identifier,
      identityPrivateKey: own.identityKey.privateKey,
      identityPublicKey: own.identityKey.publicKey,
      deviceList: decodeSignedDeviceList(list.signedBytes),
      identityHistory: [...list.identityHistory],
      backupKey: own.backupKey,
    }),
  );
  const sealed = await env.mlsProvider.suites["x-wing"].hpkeSeal(
    offer.answerKey,
    utf8(LABELS.linkAnswer),
    answer,
  );
  const answered = toBinary(SealedLinkAnswerSchema, create(SealedLinkAnswerSchema, sealed));
  return sealUnderCode(env, keys.answerKey, LABELS.linkAnswer, answered);
}

/**
 * Opens the answer: this device is one of the account's then.
 * @throws ValidationError `link_refused`, also when whoever answered never saw the code; CodecError; CryptoError `decryption_failed`.
 */
export async function openAnswer(
  env: Env,
  made: NewDevice,
  answer: Uint8Array,
  server: { readonly origin: string; readonly serverKey: ServerKey },
): Promise<{ readonly own: OwnAccount; readonly directory: DirectoryRecord }> {
  const answered = await openUnderCode(env, made.keys.answerKey, LABELS.linkAnswer, answer).catch(
    (cause: unknown) => {
      throw refused("whoever made it never saw this device's code, and may be the server", cause);
    },
  );
  const { kemOutput, ciphertext } = decode(SealedLinkAnswerSchema, answered);
  const opened = await env.mlsProvider.suites["x-wing"].hpkeOpen(
    made.answerKey.privateKey,
    { kemOutput, ciphertext },
    utf8(LABELS.linkAnswer),
  );
  const { deviceList, identityHistory, ...account } = decode(LinkAnswerSchema, opened);
  if (deviceList === undefined) throw refused("it has no device list");
  const bytes = toBinary(SignedDeviceListSchema, deviceList);
  const list = await restoreDeviceList(env.crypto, bytes, identityHistory);
  const listed = findDevice(list.list, deviceId(bytesOf(made.own.device)));
  if (listed === undefined || !equalBytes(listed.signatureKey, made.own.deviceKey.publicKey)) {
    throw refused("this device is not on the list");
  }
  if (!equalBytes(list.list.identityKey, account.identityPublicKey))
    throw refused("the identity key does not fit");
  if (account.backupKey.length !== 32 || account.identityPrivateKey.length !== 32)
    throw refused("a key is malformed");
  return {
    own: {
      status: "registered",
      identifier: parseIdentifier(account.identifier),
      account: toHex(accountId(list.list.accountId)),
      serverOrigin: server.origin,
      serverPublicKey: server.serverKey.publicKey,
      serverFingerprint: server.serverKey.fingerprint,
      identityKey: { privateKey: account.identityPrivateKey, publicKey: account.identityPublicKey },
      backupKey: account.backupKey,
      ...made.own,
    },
    directory: { deviceList: list.signedBytes, identityHistory: list.identityHistory, refreshedAtMs: 0 },
  };
}

function refused(what: string, cause?: unknown): ValidationError {
  return new ValidationError("link_refused", `the answer of the other device cannot be used: ${what}`, {
    cause,
  });
}
