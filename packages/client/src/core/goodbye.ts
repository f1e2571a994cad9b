/**
 * The server ends the connection, and says why. That the account was deleted is believed only with what proves it: the signature of the
 * account's own identity key. Then there is nothing to come back to; what is stored here stays until its owner removes it.
 * @see spec/PROTOCOL.md "Deleting an account"
 */
import {
  NONCE_BYTES,
  RefusedError,
  deletionTranscript,
  type AccountDeletion,
  type Goodbye,
} from "@sotto/protocol";
import { pinned } from "./directory.ts";
import { accountOf } from "./hex.ts";
import { addNotice } from "./notices.ts";
import { names } from "./records.ts";
import { giveUp, refusedError } from "./session.ts";
import type { Step } from "./step.ts";

/** Takes in why the connection ends. */
export async function onGoodbye(step: Step, { problem, deletion }: Goodbye): Promise<void> {
  const error = refusedError(problem);
  if (error.code !== "account_deleted") return giveUp(step, error);
  if (deletion === undefined || !(await isOwners(step, deletion))) {
    return giveUp(step, new RefusedError("sign_in_refused", "the server does not let this device in"));
  }
  step.live.session.wanted = false;
  giveUp(step, error);
  if (step.live.session.ending || (await step.draft.get(names.deletedTold)) === true) return;
  step.draft.put(names.deletedTold, true);
  await addNotice(step, { type: "account_deleted" });
}

/** Whether the account's identity key, as it is known here, signed a deletion. */
async function isOwners(
  step: Step,
  { clientNonce, serverNonce, signature }: AccountDeletion,
): Promise<boolean> {
  const { own } = step.live;
  const identityKey = (await pinned(step, own.account))?.list.list.identityKey;
  if (identityKey === undefined) return false;
  if (clientNonce.length !== NONCE_BYTES || serverNonce.length !== NONCE_BYTES) return false;
  const signed = deletionTranscript(clientNonce, serverNonce, own.serverFingerprint, accountOf(own.account));
  return step.env.crypto.ed25519Verify(identityKey, signed, signature);
}
