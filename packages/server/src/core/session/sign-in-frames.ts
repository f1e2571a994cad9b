/**
 * The six frames of a sign-in, by hand: when everybody comes back at once, the generated code would take a sixth of the server's
 * time. Reading is for the plain form only, see client-frames.ts.
 */
import type { Attach, Attached, Challenge, Hello, SignIn, SignedIn } from "@sotto/protocol";
import { PlainReader, encodeMessage, mostUint32, noBytes } from "./wire.ts";

type Fields<Message> = Omit<Message, "$typeName" | "$unknown">;
/** A Hello without its protobuf type. */
export type HelloFields = Fields<Hello>;
/** A SignIn without its protobuf type. */
export type SignInFields = Fields<SignIn>;
/** An Attach without its protobuf type. */
export type AttachFields = Fields<Attach>;

type Numbers<Message> = {
  readonly [Key in keyof Message]: Message[Key] extends bigint ? number : Message[Key];
};
/** A Challenge with its certificate serialized. */
export type ChallengeFields = Numbers<Omit<Fields<Challenge>, "certificate">> & {
  readonly certificate: Uint8Array;
};
/** A SignedIn. */
export type SignedInFields = Numbers<Fields<SignedIn>>;
/** An Attached. */
export type AttachedFields = Numbers<Fields<Attached>>;

const challengeField = 1;
const signedInField = 2;
const attachedField = 5;

/** A serialized ServerFrame. */
export function challengeFrame({
  serverNonce,
  certificate,
  signature,
  serverTimeMs,
}: ChallengeFields): Uint8Array {
  return encodeMessage(challengeField, [
    [1, serverNonce],
    [2, certificate],
    [3, signature],
    [4, serverTimeMs],
  ]);
}

/** A serialized ServerFrame. */
export function signedInFrame({
  deviceListVersion,
  resetAtSec,
  maxBlobBytes,
  pushKey,
}: SignedInFields): Uint8Array {
  return encodeMessage(signedInField, [
    [1, deviceListVersion],
    [2, resetAtSec],
    [3, maxBlobBytes],
    [8, pushKey],
  ]);
}

/** A serialized ServerFrame. */
export function attachedFrame({
  request,
  logId,
  headSeq,
  trimmedSeq,
  epoch,
  cursorSeq,
}: AttachedFields): Uint8Array {
  return encodeMessage(attachedField, [
    [1, request],
    [2, logId],
    [3, headSeq],
    [4, trimmedSeq],
    [5, epoch],
    [6, cursorSeq],
  ]);
}

/** undefined: not in plain form. */
export function readHello(reader: PlainReader, end: number): HelloFields | undefined {
  const value: HelloFields = { protocolVersion: 0, clientNonce: noBytes };
  const isPlain = reader.fields(end, (tag) => {
    if (tag === 1 << 3) value.protocolVersion = reader.upTo(mostUint32);
    else if (tag === ((2 << 3) | 2)) value.clientNonce = reader.view(end);
    else return false;
    return true;
  });
  return isPlain ? value : undefined;
}

/** undefined: not in plain form. */
export function readSignIn(reader: PlainReader, end: number): SignInFields | undefined {
  const value: SignInFields = { accountId: noBytes, deviceId: noBytes, signature: noBytes };
  const isPlain = reader.fields(end, (tag) => {
    if (tag === ((1 << 3) | 2)) value.accountId = reader.view(end);
    else if (tag === ((2 << 3) | 2)) value.deviceId = reader.view(end);
    else if (tag === ((3 << 3) | 2)) value.signature = reader.view(end);
    else return false;
    return true;
  });
  return isPlain ? value : undefined;
}

/** undefined: not in plain form. */
export function readAttach(reader: PlainReader, end: number): AttachFields | undefined {
  const value: AttachFields = {
    request: 0,
    logId: noBytes,
    slotId: noBytes,
    accessToken: noBytes,
    epoch: 0n,
    afterSeq: 0n,
    window: 0,
  };
  const isPlain = reader.fields(end, (tag) => {
    if (tag === 1 << 3) value.request = reader.upTo(mostUint32);
    else if (tag === ((2 << 3) | 2)) value.logId = reader.view(end);
    else if (tag === ((3 << 3) | 2)) value.slotId = reader.view(end);
    else if (tag === ((4 << 3) | 2)) value.accessToken = reader.view(end);
    else if (tag === 5 << 3) value.epoch = BigInt(reader.safeInteger());
    else if (tag === 6 << 3) value.afterSeq = BigInt(reader.safeInteger());
    else if (tag === 7 << 3) value.window = reader.upTo(mostUint32);
    else return false;
    return true;
  });
  return isPlain ? value : undefined;
}
