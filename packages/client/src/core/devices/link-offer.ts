/**
 * What a new device shows and what comes back: the offer, which the code commits to, and the sealed answer with the account's keys. Pure
 * over the crypto ports.
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
  labelled,
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

/** A device that asks to be linked, with everything that only it knows. */
export interface NewDevice {
  /** As a device list is to name it, without its times and name. */
  readonly device: Device;
  readonly offer: Uint8Array;
  readonly linkId: Uint8Array;
  /** ABCD-EFGH-JKMN-PQRS: what people type on the other device. */
  readonly code: string;
  /** Shown by AwaitLink, 32 bytes. */
  readonly secret: Uint8Array;
  readonly answerKey: KemKeyPair;
  readonly own: Pick<OwnAccount, "device" | "inbox" | "deviceKey" | "inboxKey" | "classicKeys">;
}

/** Makes the keys of a device that asks to be linked. */
export async function makeNewDevice(env: Env, name: string, platform: string): Promise<NewDevice> {
  const { crypto, mlsProvider } = env;
  const [deviceKey, inboxKey, classicKey, answerKey] = await Promise.all([
    createIdentity(crypto),
    generateInboxKey(mlsProvider),
    generateClassicKey(crypto),
    mlsProvider.suites["x-wing"].kemGenerate(),
  ]);
  const [id, inbox] = [crypto.randomBytes(ID_BYTES), crypto.randomBytes(ID_BYTES)];
  const device = create(DeviceSchema, {
    deviceId: id,
    signatureKey: deviceKey.publicKey,
    inboxId: inbox,
    inboxKey: inboxKey.publicKey,
    classicKeys: [{ publicKey: classicKey.publicKey }],
  });
  const offer = toBinary(
    LinkOfferSchema,
    create(LinkOfferSchema, { device, answerKey: answerKey.publicKey, name, platform }),
  );
  const linkId = await linkIdOf(env, offer);
  return {
    device,
    offer,
    linkId,
    code: formatCode(linkId),
    secret: crypto.randomBytes(32),
    answerKey,
    own: {
      device: toHex(id),
      inbox: toHex(inbox),
      deviceKey,
      inboxKey,
      classicKeys: [{ ...classicKey, retiredAt: 0 }],
    },
  };
}

/** What a code commits to: the first 10 bytes of SHA-256 over the label and the offer. */
async function linkIdOf(env: Env, offer: Uint8Array): Promise<Uint8Array> {
  return (await env.crypto.sha256(labelled(LABELS.linkOffer, offer))).slice(0, LIMITS.linkIdBytes);
}

/** Reads an offer that the server gave for a code. @throws ValidationError `signature_invalid` when it is another one; `malformed`. */
export async function readOffer(
  env: Env,
  linkId: Uint8Array,
  offer: Uint8Array,
): Promise<LinkOffer & { readonly device: Device }> {
  if (!equalBytes(await linkIdOf(env, offer), linkId)) {
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

/** Seals the account's keys for a new device. */
export async function sealAnswer(
  env: Env,
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
  return toBinary(SealedLinkAnswerSchema, create(SealedLinkAnswerSchema, sealed));
}

/** Opens the answer: this device is one of the account's then. @throws CryptoError `decryption_failed`; ValidationError `link_refused`. */
export async function openAnswer(
  env: Env,
  made: NewDevice,
  answer: Uint8Array,
  server: { readonly origin: string; readonly serverKey: ServerKey },
): Promise<{ readonly own: OwnAccount; readonly directory: DirectoryRecord }> {
  const { kemOutput, ciphertext } = decode(SealedLinkAnswerSchema, answer);
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

function refused(what: string): ValidationError {
  return new ValidationError("link_refused", `the answer of the other device cannot be used: ${what}`);
}
