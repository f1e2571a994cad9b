/**
 * PrivateMessages (RFC 9420 §6.3), application data and Commits. Nothing of the state that was given changes; the ratchet that moved on is
 * in the state that comes out, and only after signature and content were checked.
 */
import { CodecError, CryptoError, UsageError, ValidationError, equalBytes } from "@sotto/protocol";
import type { AuthenticatedContent } from "ts-mls/authenticatedContent.js";
import {
  signFramedContentApplicationOrProposal,
  verifyFramedContentSignature,
} from "ts-mls/framedContent.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import {
  type PrivateMessage,
  decodePrivateMessageContent,
  encodePrivateContentAAD,
  encodePrivateMessageContent,
  toAuthenticatedContent,
} from "ts-mls/privateMessage.js";
import { getSignaturePublicKeyFromLeafIndex } from "ts-mls/ratchetTree.js";
import type { SecretTreeNode } from "ts-mls/secretTree.js";
import type { ReuseGuard, SenderData } from "ts-mls/sender.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import { check, guarded } from "./checks.ts";
import { type GroupState, found, groupOf } from "./group-state.ts";
import { memberAt } from "./identity.ts";
import { MLS_LIMITS } from "./limits.ts";
import { padme } from "./padding.ts";
import type { MlsDelta, MlsGroup, Unprotected } from "./port.ts";
import { guardedNonce, takeGeneration } from "./ratchet.ts";
import { stageCommit } from "./received-commit.ts";
import { withRatchets } from "./secret-tree.ts";
import { openSenderData, sealSenderData } from "./sender-data.ts";
import { deltaOf, openRatchets } from "./snapshot.ts";
import { checkSize, decodeMessage } from "./wire.ts";

const none = new Uint8Array();
/** Beside the data, a PrivateMessageContent holds its length and a signature with its length (2 bytes). */
const signatureFieldBytes = 66;
/** Room for framing and padding in the largest message. */
const maxPlaintextBytes = 900_000;

/** Encrypts application data. */
export async function protectData(
  state: GroupState,
  plaintext: Uint8Array,
): Promise<{ message: Uint8Array; group: MlsGroup; delta: MlsDelta }> {
  if (plaintext.length > maxPlaintextBytes) {
    throw new UsageError("message_too_large", `an MLS message has at most ${maxPlaintextBytes} bytes`);
  }
  const { epoch } = state;
  const { groupContext, suite } = epoch;
  const { impl } = suite;
  const own = epoch.privatePath.leafIndex;
  const { records, changed, ratchets } = await openRatchets(state, own);
  const content = {
    contentType: "application" as const,
    groupId: groupContext.groupId,
    epoch: groupContext.epoch,
    sender: { senderType: "member" as const, leafIndex: own },
    authenticatedData: none,
    applicationData: plaintext,
  };
  const auth = await signFramedContentApplicationOrProposal(
    epoch.signaturePrivateKey,
    {
      protocolVersion: groupContext.version,
      wireformat: "mls_private_message",
      content,
      senderType: "member",
      context: groupContext,
    },
    impl,
  );
  const { generation } = ratchets.application;
  const { key, nonce, ratchet } = found(await takeGeneration(ratchets.application, generation, impl));
  const reuseGuard = impl.rng.randomBytes(4) as ReuseGuard;
  const contentBytes = lengthFieldBytes(plaintext.length) + plaintext.length + signatureFieldBytes;
  const ciphertext = await impl.hpke.encryptAead(
    key,
    guardedNonce(nonce, reuseGuard),
    encodePrivateContentAAD(content),
    encodePrivateMessageContent(padme(contentBytes))({ ...content, auth }),
  );
  key.fill(0);
  const senderData = { leafIndex: own, generation, reuseGuard };
  const { senderDataSecret } = epoch.keySchedule;
  const privateMessage: PrivateMessage = {
    groupId: content.groupId,
    epoch: content.epoch,
    contentType: content.contentType,
    authenticatedData: none,
    encryptedSenderData: await sealSenderData(senderDataSecret, senderData, content, ciphertext, impl),
    ciphertext,
  };
  const next = { epoch, secrets: withRatchets(records, own, { ...ratchets, application: ratchet }) };
  return {
    message: encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage }),
    group: groupOf(next),
    delta: deltaOf(next, [...changed, own]),
  };
}

/** Opens a message of the state's epoch. */
export async function unprotectMessage(state: GroupState, message: Uint8Array): Promise<Unprotected> {
  const { privateMessage } = decodeMessage(message, "mls_private_message", MLS_LIMITS.maxCommitBytes);
  const { epoch } = state;
  const { impl } = epoch.suite;
  checkFrame(state, privateMessage, message);
  const senderData = await guarded("MLS-MSG-4", "the sender data open", () =>
    openSenderData(epoch.keySchedule.senderDataSecret, privateMessage, impl),
  );
  check(senderData !== undefined, "MLS-MSG-4", "the sender data open");
  const { leafIndex, generation } = senderData;
  const sender = memberAt(epoch.tree, leafIndex);
  check(sender !== undefined, "MLS-MSG-3", "the sender is a leaf of the tree");

  const { records, changed, ratchets } = await openRatchets(state, leafIndex);
  const { generation: reached } =
    privateMessage.contentType === "commit" ? ratchets.handshake : ratchets.application;
  check(
    generation - reached <= MLS_LIMITS.maxForwardSteps,
    "MLS-MSG-6",
    "a sender is at most 2,000 messages ahead",
  );
  const { content, ratchets: moved } = await guarded(
    "MLS-MSG-7",
    "the message opens and its signature holds",
    () => openContent(state, privateMessage, senderData, ratchets),
  );
  if (content.content.contentType === "commit" && content.auth.contentType === "commit") {
    return {
      type: "commit",
      commit: await stageCommit(epoch, sender, content.content, content.auth),
    };
  }
  check(content.content.contentType === "application", "MLS-MSG-2", "no Proposals of their own");
  const next = { epoch, secrets: withRatchets(records, leafIndex, moved) };
  return {
    type: "application",
    sender,
    plaintext: Uint8Array.from(content.content.applicationData),
    group: groupOf(next),
    delta: deltaOf(next, [...changed, leafIndex]),
  };
}

/** RFC 9420 §6.3.1 and §6.1: the content of a message, and the sender's ratchets without its key. */
async function openContent(
  { epoch }: GroupState,
  message: PrivateMessage,
  { leafIndex, generation, reuseGuard }: SenderData,
  ratchets: SecretTreeNode,
): Promise<{ content: AuthenticatedContent; ratchets: SecretTreeNode }> {
  const { impl } = epoch.suite;
  const { contentType } = message;
  const kind = contentType === "application" ? "application" : "handshake";
  const taken = await takeGeneration(ratchets[kind], generation, impl);
  if (taken === undefined) {
    throw new ValidationError("message_replayed", "a message of this number was read, or is too old");
  }
  const { key, nonce } = taken;
  const aad = encodePrivateContentAAD(message);
  const plaintext = await impl.hpke.decryptAead(
    key,
    guardedNonce(nonce, reuseGuard),
    aad,
    message.ciphertext,
  );
  key.fill(0);
  const decoded = decodePrivateMessageContent(contentType)(plaintext, 0)?.[0];
  if (decoded === undefined) throw new CodecError("malformed", "MLS-MSG-8: the content is well formed");
  const content = toAuthenticatedContent(decoded, message, leafIndex);
  const signed = await verifyFramedContentSignature(
    getSignaturePublicKeyFromLeafIndex(epoch.tree, toLeafIndex(leafIndex)),
    "mls_private_message",
    content.content,
    content.auth,
    epoch.groupContext,
    impl.signature,
  );
  if (!signed) throw new CryptoError("signature_invalid", "MLS-MSG-9: the sender signed the message");
  return { content, ratchets: { ...ratchets, [kind]: taken.ratchet } };
}

function checkFrame({ epoch }: GroupState, frame: PrivateMessage, message: Uint8Array): void {
  check(
    equalBytes(frame.groupId, epoch.groupContext.groupId) && frame.epoch === epoch.groupContext.epoch,
    "MLS-MSG-1",
    "a message is of this group and epoch",
  );
  check(
    frame.contentType === "application" || frame.contentType === "commit",
    "MLS-MSG-2",
    "no Proposals of their own",
  );
  if (frame.contentType === "application") checkSize(message, MLS_LIMITS.maxApplicationBytes);
  check(frame.authenticatedData.length === 0, "MLS-MSG-5", "a message carries nothing in the open");
}

function lengthFieldBytes(length: number): number {
  if (length < 64) return 1;
  return length < 16_384 ? 2 : 4;
}
