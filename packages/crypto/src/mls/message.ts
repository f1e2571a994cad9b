/**
 * PrivateMessages (RFC 9420 §6.3), application data and Commits. Nothing of the state that was given changes; the ratchet that moved on is
 * in the state that comes out, and only after signature and content were checked.
 */
import { CodecError, CryptoError, UsageError, ValidationError, equalBytes } from "@sotto/protocol";
import {
  type FramedContentAuthDataCommit,
  type FramedContentCommit,
  verifyFramedContentSignature,
} from "ts-mls/framedContent.js";
import {
  type PrivateMessage,
  decodePrivateMessageContent,
  toAuthenticatedContent,
} from "ts-mls/privateMessage.js";
import { getSignaturePublicKeyFromLeafIndex } from "ts-mls/ratchetTree.js";
import type { SecretTreeNode } from "ts-mls/secretTree.js";
import type { ReuseGuard, SenderData } from "ts-mls/sender.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import { padmeLength } from "../padme.ts";
import { check, guarded } from "./checks.ts";
import { type Epoch, type GroupState, found, groupOf, senderAt } from "./group-state.ts";
import { MLS_LIMITS } from "./limits.ts";
import {
  contentAad,
  contentLength,
  frameBytes,
  readContent,
  readPrivateMessage,
  signedBytes,
  writeContent,
  writePrivateMessage,
} from "./message-bytes.ts";
import type { MlsDelta, MlsGroup, Unprotected } from "./port.ts";
import { guardedNonce, takeGeneration } from "./ratchet.ts";
import { stageCommit } from "./received-commit.ts";
import { withRatchets } from "./secret-tree.ts";
import { openSenderData, sealSenderData } from "./sender-data.ts";
import { deltaOf, openRatchets } from "./snapshot.ts";
import { checkSize, decodeMessage } from "./wire.ts";

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
  const { groupId, epoch: number } = groupContext;
  const frame = frameBytes({ groupId, epoch: number, contentType: "application" });
  const signed = signedBytes(groupContext, own, plaintext);
  const signature = await impl.signature.sign(epoch.signaturePrivateKey, signed);
  const { generation } = ratchets.application;
  const { key, nonce, ratchet } = found(await takeGeneration(ratchets.application, generation, impl));
  const reuseGuard = impl.rng.randomBytes(4) as ReuseGuard;
  const ciphertext = await impl.hpke.encryptAead(
    key,
    guardedNonce(nonce, reuseGuard),
    contentAad(frame),
    writeContent(plaintext, signature, padmeLength(contentLength(plaintext))),
  );
  key.fill(0);
  const senderData = { leafIndex: own, generation, reuseGuard };
  const { senderDataSecret } = epoch.keySchedule;
  const sealed = await sealSenderData(senderDataSecret, senderData, frame, ciphertext, impl);
  const next = { epoch, secrets: withRatchets(records, own, { ...ratchets, application: ratchet }) };
  return {
    message: writePrivateMessage(frame, sealed, ciphertext),
    group: groupOf(next),
    delta: deltaOf(next, [...changed, own]),
  };
}

/** Opens a message of the state's epoch. */
export async function unprotectMessage(state: GroupState, message: Uint8Array): Promise<Unprotected> {
  const privateMessage = readMessage(message);
  const { epoch } = state;
  const { impl } = epoch.suite;
  checkFrame(state, privateMessage, message);
  const { encryptedSenderData, ciphertext } = privateMessage;
  const { senderDataSecret } = epoch.keySchedule;
  const frame = frameBytes(privateMessage);
  const senderData = await guarded("MLS-MSG-4", "the sender data open", () =>
    openSenderData(senderDataSecret, encryptedSenderData, frame, ciphertext, impl),
  );
  check(senderData !== undefined, "MLS-MSG-4", "the sender data open");
  const { leafIndex, generation } = senderData;
  const sender = senderAt(epoch, leafIndex);
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
    () => openContent(state, privateMessage, frame, senderData, ratchets),
  );
  if (content.type === "commit") {
    if (leafIndex === epoch.privatePath.leafIndex) return { type: "own-commit" };
    return { type: "commit", commit: await stageCommit(epoch, sender, content.content, content.auth) };
  }
  const next = { epoch, secrets: withRatchets(records, leafIndex, moved) };
  return {
    type: "application",
    sender,
    plaintext: Uint8Array.from(content.data),
    group: groupOf(next),
    delta: deltaOf(next, [...changed, leafIndex]),
  };
}

/** An MLSMessage with a PrivateMessage. What the quick reader does not take, the library decodes, or says why not. */
function readMessage(message: Uint8Array): PrivateMessage {
  checkSize(message, MLS_LIMITS.maxCommitBytes);
  // A copy, so that what is kept of it does not change under us.
  const own = Uint8Array.from(message);
  return (
    readPrivateMessage(own) ??
    decodeMessage(own, "mls_private_message", MLS_LIMITS.maxCommitBytes).privateMessage
  );
}

type OpenedContent =
  | { readonly type: "application"; readonly data: Uint8Array }
  | {
      readonly type: "commit";
      readonly content: FramedContentCommit;
      readonly auth: FramedContentAuthDataCommit;
    };

/** RFC 9420 §6.3.1 and §6.1: the content of a message, and the sender's ratchets without its key. */
async function openContent(
  { epoch }: GroupState,
  message: PrivateMessage,
  frame: Uint8Array,
  { leafIndex, generation, reuseGuard }: SenderData,
  ratchets: SecretTreeNode,
): Promise<{ content: OpenedContent; ratchets: SecretTreeNode }> {
  const { impl } = epoch.suite;
  const { contentType } = message;
  const kind = contentType === "application" ? "application" : "handshake";
  const taken = await takeGeneration(ratchets[kind], generation, impl);
  if (taken === undefined) {
    throw new ValidationError("message_replayed", "a message of this number was read, or is too old");
  }
  const { key, nonce } = taken;
  const plaintext = await impl.hpke.decryptAead(
    key,
    guardedNonce(nonce, reuseGuard),
    contentAad(frame),
    message.ciphertext,
  );
  key.fill(0);
  const content =
    contentType === "application"
      ? await openApplication(epoch, leafIndex, plaintext)
      : await openCommit(epoch, message, leafIndex, plaintext);
  return { content, ratchets: { ...ratchets, [kind]: taken.ratchet } };
}

async function openApplication(
  epoch: Epoch,
  leafIndex: number,
  plaintext: Uint8Array,
): Promise<OpenedContent> {
  const read = readContent(plaintext);
  if (read === undefined) throw malformed();
  const { data, signature } = read;
  const { signature: scheme } = epoch.suite.impl;
  const signed = signedBytes(epoch.groupContext, leafIndex, data);
  if (!(await scheme.verify(signatureKeyAt(epoch, leafIndex), signed, signature))) throw notSigned();
  return { type: "application", data };
}

async function openCommit(
  epoch: Epoch,
  message: PrivateMessage,
  leafIndex: number,
  plaintext: Uint8Array,
): Promise<OpenedContent> {
  const decoded = decodePrivateMessageContent("commit")(plaintext, 0)?.[0];
  if (decoded === undefined) throw malformed();
  const { content, auth } = toAuthenticatedContent(decoded, message, leafIndex);
  const signed = await verifyFramedContentSignature(
    signatureKeyAt(epoch, leafIndex),
    "mls_private_message",
    content,
    auth,
    epoch.groupContext,
    epoch.suite.impl.signature,
  );
  if (!signed) throw notSigned();
  if (content.contentType !== "commit" || auth.contentType !== "commit") throw malformed();
  return { type: "commit", content, auth };
}

const signatureKeyAt = ({ tree }: Epoch, leafIndex: number): Uint8Array =>
  getSignaturePublicKeyFromLeafIndex(tree, toLeafIndex(leafIndex));
const malformed = (): CodecError => new CodecError("malformed", "MLS-MSG-8: the content is well formed");
const notSigned = (): CryptoError =>
  new CryptoError("signature_invalid", "MLS-MSG-9: the sender signed the message");

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
