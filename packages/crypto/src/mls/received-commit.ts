/**
 * Commits (RFC 9420 §12.4.2) that others made: checked, and the next state computed, before anybody has agreed to it. The steps are those
 * of the RFC, each done by ts-mls; see commit.ts for why their order is ours.
 */
import { ValidationError, equalBytes } from "@sotto/protocol";
import { nextEpochContext } from "ts-mls/clientState.js";
import type { Commit } from "ts-mls/commit.js";
import { applyUpdatePathSecret } from "ts-mls/createCommit.js";
import {
  type FramedContentAuthDataCommit,
  type FramedContentCommit,
  verifyConfirmationTag,
} from "ts-mls/framedContent.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { type RatchetTree, filteredDirectPathAndCopathResolution } from "ts-mls/ratchetTree.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { type UpdatePath, applyUpdatePath } from "ts-mls/updatePath.js";
import { check, guarded, mlsInvalid } from "./checks.ts";
import { type Epoch, type GroupState, found, groupOf, leafCount } from "./group-state.ts";
import { GROUP_DATA_EXTENSION, checkLeaf, clientOf, memberAt } from "./identity.ts";
import { checkKeyPackage, checkUsable } from "./key-package.ts";
import { MLS_LIMITS } from "./limits.ts";
import { keptKeys, keysAlongPath } from "./path.ts";
import type { MlsGroup, MlsMember, StagedCommit } from "./port.ts";
import { newSecretRecords } from "./secret-tree.ts";
import { applyChanges, checkUnique } from "./tree-changes.ts";
import { treeHashOf } from "./tree-hash.ts";

const nextStates = new WeakMap<object, GroupState>();

interface ReadProposals {
  readonly add: readonly KeyPackage[];
  readonly remove: readonly number[];
  readonly groupData: Uint8Array | undefined;
  readonly path: UpdatePath;
}

/** Checks a Commit whose signature holds, and computes what follows from it. */
export async function stageCommit(
  epoch: Epoch,
  sender: MlsMember,
  content: FramedContentCommit,
  auth: FramedContentAuthDataCommit,
): Promise<StagedCommit> {
  const own = epoch.privatePath.leafIndex;
  check(sender.leafIndex !== own, "MLS-COMMIT-6", "one's own Commit is not read but kept");
  const proposals = readProposals(content.commit);
  const { path, groupData } = proposals;
  for (const keyPackage of proposals.add) await checkKeyPackage(keyPackage, epoch.suite);
  const changed = applyChanges(epoch.tree, sender.leafIndex, proposals.remove, proposals.add);
  await checkPathLeaf(epoch, sender, path);

  const removed = proposals.remove.flatMap((leaf) => memberAt(epoch.tree, leaf) ?? []);
  const removesSelf = proposals.remove.includes(own);
  const next = removesSelf
    ? undefined
    : await nextState(epoch, sender.leafIndex, proposals, changed.tree, changed.added, content, auth);
  const staged = Object.freeze({
    sender,
    added: changed.added.flatMap((leaf) => memberAt(changed.tree, leaf) ?? []),
    removed,
    groupData,
    removesSelf,
    epoch: Number(epoch.groupContext.epoch) + 1,
  });
  if (next !== undefined) nextStates.set(staged, next);
  return staged as unknown as StagedCommit;
}

/** The state after a Commit. */
export function applyStaged(commit: StagedCommit): MlsGroup {
  if (commit.removesSelf) throw mlsInvalid("MLS-COMMIT-7", "after one's own removal there is no next state");
  return groupOf(found(nextStates.get(commit)));
}

/** Only Add, Remove and GroupContextExtensions, by value, and always with a path. */
function readProposals({ proposals, path }: Commit): ReadProposals {
  check(path !== undefined, "MLS-COMMIT-8", "every Commit has a path");
  check(proposals.length <= MLS_LIMITS.maxProposals, "MLS-COMMIT-9", "a Commit has at most 4,096 proposals");
  const add: KeyPackage[] = [];
  const remove: number[] = [];
  let groupData: Uint8Array | undefined;
  for (const item of proposals) {
    check(item.proposalOrRefType === "proposal", "MLS-COMMIT-10", "proposals stand in their Commit");
    const { proposal } = item;
    if (proposal.proposalType === "add") add.push(proposal.add.keyPackage);
    else if (proposal.proposalType === "remove") remove.push(proposal.remove.removed);
    else {
      check(
        proposal.proposalType === "group_context_extensions",
        "MLS-COMMIT-11",
        "a Commit adds, removes and sets extensions, and does nothing else",
      );
      const [extension, ...others] = proposal.groupContextExtensions.extensions;
      check(
        groupData === undefined &&
          extension?.extensionType === GROUP_DATA_EXTENSION &&
          extension.extensionData.length <= MLS_LIMITS.maxGroupDataBytes &&
          others.length === 0,
        "MLS-COMMIT-12",
        "the group's data are the only extension",
      );
      groupData = Uint8Array.from(extension.extensionData);
    }
  }
  return { add, remove, groupData, path };
}

/** Every path secret is sealed to everybody who is to have it, so that nobody is cut off alone. */
function checkCiphertexts(
  tree: RatchetTree,
  sender: number,
  path: UpdatePath,
  added: readonly number[],
): void {
  const fresh = new Set<number>(added.map((leaf) => leafToNodeIndex(toLeafIndex(leaf))));
  const copath = filteredDirectPathAndCopathResolution(toLeafIndex(sender), tree);
  const fits = copath.every(
    ({ resolution }, i) =>
      path.nodes[i]?.encryptedPathSecret.length === resolution.filter((node) => !fresh.has(node)).length,
  );
  check(fits, "MLS-PATH-8", "each path secret is sealed to all who are to have it");
}

async function checkPathLeaf(epoch: Epoch, sender: MlsMember, path: UpdatePath): Promise<void> {
  const { suite, groupContext } = epoch;
  const { leafNode } = path;
  checkLeaf(leafNode, suite.name, suite.primitives.publicKeyBytes);
  const client = clientOf(leafNode.credential);
  check(
    equalBytes(client.accountId, sender.accountId) &&
      equalBytes(client.deviceId, sender.deviceId) &&
      equalBytes(leafNode.signaturePublicKey, sender.signatureKey),
    "MLS-PATH-3",
    "a path changes neither the committer nor its signature key",
  );
  check(
    await verifyLeafNodeSignature(leafNode, groupContext.groupId, sender.leafIndex, suite.impl.signature),
    "MLS-PATH-4",
    "the new leaf is signed for its place in this group",
  );
  const keys = [leafNode.hpkePublicKey, ...path.nodes.map(({ hpkePublicKey }) => hpkePublicKey)];
  await checkUsable(suite, keys, "MLS-PATH-5");
}

async function nextState(
  epoch: Epoch,
  sender: number,
  { path, groupData }: ReadProposals,
  changedTree: RatchetTree,
  added: readonly number[],
  content: FramedContentCommit,
  auth: FramedContentAuthDataCommit,
): Promise<GroupState> {
  const { suite } = epoch;
  const { impl } = suite;
  const own = epoch.privatePath.leafIndex;
  const context =
    groupData === undefined
      ? epoch.groupContext
      : {
          ...epoch.groupContext,
          extensions: [{ extensionType: GROUP_DATA_EXTENSION, extensionData: groupData }],
        };
  const tree = await guarded("MLS-PATH-6", "the path fits the tree and its parent hashes", () =>
    applyUpdatePath(changedTree, toLeafIndex(sender), path, impl.hash),
  );
  checkUnique(tree);
  checkCiphertexts(changedTree, sender, path, added);
  const treeHash = await treeHashOf(tree, suite);
  const { nodeIndex, pathSecret } = await guarded("MLS-PATH-7", "the path secret opens", () =>
    applyUpdatePathSecret(
      tree,
      { leafIndex: own, privateKeys: keptKeys(epoch, changedTree, {}) },
      toLeafIndex(sender),
      { ...context, treeHash, epoch: context.epoch + 1n },
      path,
      added.map((leaf) => leafToNodeIndex(toLeafIndex(leaf))),
      impl,
    ),
  );
  const { privateKeys, commitSecret } = await keysAlongPath(tree, sender, nodeIndex, pathSecret, suite);
  const nextContext = await nextEpochContext(
    context,
    "mls_private_message",
    content,
    auth.signature,
    treeHash,
    epoch.confirmationTag,
    impl.hash,
  );
  const secrets = await initializeEpoch(
    epoch.keySchedule.initSecret,
    commitSecret,
    nextContext,
    new Uint8Array(impl.kdf.size),
    impl.kdf,
  );
  const confirmed = await verifyConfirmationTag(
    secrets.keySchedule.confirmationKey,
    auth.confirmationTag,
    nextContext.confirmedTranscriptHash,
    impl.hash,
  );
  if (!confirmed) throw new ValidationError("mls_invalid", "MLS-COMMIT-13: the confirmation tag is right");
  const next: GroupState = {
    epoch: {
      suite,
      groupContext: nextContext,
      keySchedule: secrets.keySchedule,
      tree,
      privatePath: { leafIndex: own, privateKeys: keptKeys(epoch, tree, privateKeys) },
      signaturePrivateKey: epoch.signaturePrivateKey,
      confirmationTag: auth.confirmationTag,
    },
    secrets: newSecretRecords(leafCount(tree), secrets.encryptionSecret, own),
  };
  for (const secret of [pathSecret, commitSecret, secrets.encryptionSecret, secrets.joinerSecret])
    secret.fill(0);
  return next;
}
