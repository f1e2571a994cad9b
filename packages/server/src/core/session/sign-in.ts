/**
 * Signing in: the server proves itself by its challenge, the device by signing over it.
 * @see spec/PROTOCOL.md "Signing in"
 */
import {
  AccountDeletionSchema,
  NONCE_BYTES,
  SottoError,
  LIMITS,
  accountId,
  challengeTranscript,
  decode,
  deviceId,
  parseHex,
  signInTranscript,
  type AccountDeletion,
} from "@sotto/protocol";
import type { DeviceRecord } from "../store.ts";
import type { DeliveryPorts } from "./ports.ts";
import { exactBytes } from "./requests.ts";
import { challengeFrame, type HelloFields, type SignInFields } from "./sign-in-frames.ts";

const signatureBytes = 64;
/**
 * A point of the curve that nobody has the key of: refusals for unknown devices take as long as others. Its encoding is
 * SHA-256("sotto/nobody/v1/1") with the highest bit cleared, the first such hash that is a point.
 */
const nobodysKey = parseHex("748b7e545a3d2ced9335f6c1941d6c1423c25a6c2d8c51c82f086cac3d80fb6a") as Uint8Array;

/** The nonces of one connection. */
export interface Challenge {
  readonly clientNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
}

/** Answers a Hello. @throws SottoError `unsupported_version`, `malformed`. */
export function challenge(
  { crypto, challenger, clock }: DeliveryPorts,
  hello: HelloFields,
): { readonly challenge: Challenge; readonly frame: Uint8Array } {
  if (hello.protocolVersion !== LIMITS.protocolVersion) {
    throw new SottoError(
      "unsupported_version",
      `this server speaks protocol version ${LIMITS.protocolVersion}`,
    );
  }
  const clientNonce = Uint8Array.from(exactBytes("client_nonce", hello.clientNonce, NONCE_BYTES));
  const serverNonce = crypto.randomBytes(NONCE_BYTES);
  const frame = challengeFrame({
    serverNonce,
    certificate: challenger.certificate(),
    signature: challenger.sign(challengeTranscript(clientNonce, serverNonce)),
    serverTimeMs: clock.nowMs(),
  });
  return { challenge: { clientNonce, serverNonce }, frame };
}

/** The account was deleted, which its devices are told with what proves it. */
export class AccountDeletedError extends SottoError {
  readonly deletion: AccountDeletion;

  constructor(deletion: AccountDeletion) {
    super("account_deleted", "the account was deleted");
    this.deletion = deletion;
  }
}

/**
 * The device that a SignIn proves.
 * @throws SottoError `sign_in_refused` whatever is wrong with it, `malformed`; AccountDeletedError to whoever knows the id of an account that
 * was deleted: ids cannot be guessed, and who has one learns as much by a lookup.
 */
export async function verifySignIn(
  { store, crypto, verifyElsewhere, challenger }: DeliveryPorts,
  { clientNonce, serverNonce }: Challenge,
  signIn: SignInFields,
): Promise<DeviceRecord> {
  // Copies: what came is a view into a message, and these live as long as the session.
  const account = accountId(Uint8Array.from(signIn.accountId));
  const device = deviceId(Uint8Array.from(signIn.deviceId));
  const signature = exactBytes("signature", signIn.signature, signatureBytes);
  const transcript = signInTranscript(clientNonce, serverNonce, challenger.fingerprint, account, device);
  const found = await store.readDevice(account, device);
  const verify = verifyElsewhere ?? crypto.verifyEd25519;
  const verified = await verify(found?.signatureKey ?? nobodysKey, transcript, signature);
  if (found === undefined || found.revoked || !verified) {
    const farewell = await store.readFarewell(account);
    if (farewell !== undefined) throw new AccountDeletedError(decode(AccountDeletionSchema, farewell));
    throw new SottoError("sign_in_refused", "the device cannot sign in");
  }
  return { ...found, account, device };
}
