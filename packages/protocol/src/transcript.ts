/** The exact bytes that are signed over a connection: to sign in, and to delete the account. @see spec/PROTOCOL.md "Signing in", "Deleting an account" */
import type { AccountId, DeviceId } from "./ids.ts";
import { LABELS, labelled } from "./labels.ts";

/** Length in bytes of both nonces of a sign-in. */
export const NONCE_BYTES = 32;

/** What the server's challenge key signs: both nonces, so that an old challenge proves nothing. */
export function challengeTranscript(
  clientNonce: Uint8Array,
  serverNonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return labelled(LABELS.challenge, clientNonce, serverNonce);
}

/** What the device signs: bound to this server by its key's fingerprint (32 bytes), to this connection by the nonces. */
export function signInTranscript(
  clientNonce: Uint8Array,
  serverNonce: Uint8Array,
  serverFingerprint: Uint8Array,
  account: AccountId,
  device: DeviceId,
): Uint8Array<ArrayBuffer> {
  return labelled(LABELS.signIn, clientNonce, serverNonce, serverFingerprint, account, device);
}

/** What the identity key signs to delete its account: bound to this server by its key's fingerprint (32 bytes), to this connection by the nonces. */
export function deletionTranscript(
  clientNonce: Uint8Array,
  serverNonce: Uint8Array,
  serverFingerprint: Uint8Array,
  account: AccountId,
): Uint8Array<ArrayBuffer> {
  return labelled(LABELS.accountDeletion, clientNonce, serverNonce, serverFingerprint, account);
}
