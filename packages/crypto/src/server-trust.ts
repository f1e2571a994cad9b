/**
 * Knowing the server: its RSA key by a fingerprint known beforehand, its challenge by a short-lived Ed25519 key that the
 * RSA key certifies. Types carry the trust: no ServerKey without a matching fingerprint, no sign-in without a checked
 * challenge.
 * @see spec/PROTOCOL.md "Signing in"
 */
import { create } from "@bufbuild/protobuf";
import {
  type AccountId,
  type Challenge,
  CryptoError,
  type DeviceId,
  LABELS,
  LIMITS,
  NONCE_BYTES,
  type ServerCertificateBody,
  ServerCertificateBodySchema,
  type SignIn,
  SignInSchema,
  challengeTranscript,
  decode,
  isRsa2048PublicKey,
  labelled,
  signInTranscript,
} from "@sotto/protocol";
import type { Awaitable, CryptoProvider } from "./provider.ts";

declare const trusted: unique symbol;

/** The server's public key, its fingerprint checked. */
export interface ServerKey {
  readonly [trusted]: "ServerKey";
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of it, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** A challenge that the server's key stands behind, for this very connection. */
export interface VerifiedChallenge {
  readonly [trusted]: "VerifiedChallenge";
  readonly clientNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly fingerprint: Uint8Array;
}

/** The fingerprint of a server's key: SHA-256 of its SubjectPublicKeyInfo, 32 bytes. */
export function fingerprintOf(provider: CryptoProvider, publicKey: Uint8Array): Awaitable<Uint8Array> {
  return provider.sha256(publicKey);
}

/**
 * Takes the server's key for the one that was expected.
 * @throws CryptoError `server_key_mismatch`; `key_invalid` for what is no RSA-2048 key.
 */
export async function verifyServerKey(
  provider: CryptoProvider,
  expectedFingerprint: Uint8Array,
  publicKey: Uint8Array,
): Promise<ServerKey> {
  const fingerprint = await fingerprintOf(provider, publicKey);
  if (!provider.equalSecrets(fingerprint, expectedFingerprint)) {
    throw mismatch("the server's key is not the one that this client knows");
  }
  if (!isRsa2048PublicKey(publicKey))
    throw new CryptoError("key_invalid", "the server's key is no RSA-2048 key");
  const key: Omit<ServerKey, typeof trusted> = { publicKey: publicKey.slice(), fingerprint };
  return key as ServerKey;
}

/**
 * Checks the certificate and the signature of a challenge.
 * @param nowSec seconds since 1970-01-01 UTC; the certificate may be off by LIMITS.maxClockSkewSec.
 * @throws CryptoError `clock_wrong` when all is right but the time, else `server_key_mismatch`, whatever is wrong.
 */
export async function verifyChallenge(
  provider: CryptoProvider,
  serverKey: ServerKey,
  clientNonce: Uint8Array,
  challenge: Challenge,
  nowSec: number,
): Promise<VerifiedChallenge> {
  const { certificate, serverNonce, signature } = challenge;
  if (certificate === undefined) throw mismatch("the server shows no certificate");
  const certified = labelled(LABELS.serverCertificate, certificate.body);
  if (!(await provider.rsaPssVerify(serverKey.publicKey, certified, certificate.signature))) {
    throw mismatch("the server's certificate is not signed by its key");
  }
  const body = decodeBody(certificate.body);
  const [notBefore, notAfter] = [Number(body.notBeforeSec), Number(body.notAfterSec)];
  if (notAfter <= notBefore || notAfter - notBefore > LIMITS.maxCertificateLifetimeSec) {
    throw mismatch("the server's certificate lives too long");
  }
  if (serverNonce.length !== NONCE_BYTES || clientNonce.length !== NONCE_BYTES) {
    throw mismatch("the challenge has a nonce of a wrong length");
  }
  const transcript = challengeTranscript(clientNonce, serverNonce);
  if (!(await provider.ed25519Verify(body.challengeKey, transcript, signature))) {
    throw mismatch("the challenge is not signed by the server");
  }
  if (nowSec < notBefore - LIMITS.maxClockSkewSec || nowSec > notAfter + LIMITS.maxClockSkewSec) {
    throw new CryptoError("clock_wrong", "the server's certificate is not for this time: the clock is wrong");
  }
  const checked: Omit<VerifiedChallenge, typeof trusted> = {
    clientNonce,
    serverNonce,
    fingerprint: serverKey.fingerprint,
  };
  return checked as VerifiedChallenge;
}

function decodeBody(bytes: Uint8Array): ServerCertificateBody {
  try {
    return decode(ServerCertificateBodySchema, bytes);
  } catch (cause) {
    throw mismatch("the server's certificate cannot be read", cause);
  }
}

/** Answers a checked challenge as a device. @throws CryptoError `key_invalid`. */
export async function signIn(
  provider: CryptoProvider,
  challenge: VerifiedChallenge,
  device: { readonly accountId: AccountId; readonly deviceId: DeviceId; readonly privateKey: Uint8Array },
): Promise<SignIn> {
  const { clientNonce, serverNonce, fingerprint } = challenge;
  const { accountId, deviceId } = device;
  const transcript = signInTranscript(clientNonce, serverNonce, fingerprint, accountId, deviceId);
  const signature = await provider.ed25519Sign(device.privateKey, transcript);
  return create(SignInSchema, { accountId, deviceId, signature });
}

function mismatch(what: string, cause?: unknown): CryptoError {
  return new CryptoError("server_key_mismatch", what, { cause });
}
