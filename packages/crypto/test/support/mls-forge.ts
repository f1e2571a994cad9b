/** What a member with a program of its own could make: KeyPackages, Commits, messages and Welcomes that are signed and sealed, and wrong. */
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import type { Commit } from "ts-mls/commit.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { GroupContext } from "ts-mls/groupContext.js";
import { type GroupInfoTBS, extractWelcomeSecret, signGroupInfo } from "ts-mls/groupInfo.js";
import type { GroupSecrets } from "ts-mls/groupSecrets.js";
import { type KeyPackage, type KeyPackageTBS, makeKeyPackageRef, signKeyPackage } from "ts-mls/keyPackage.js";
import { deriveKeySchedule } from "ts-mls/keySchedule.js";
import { type LeafNodeTBSKeyPackage, signLeafNodeKeyPackage } from "ts-mls/leafNode.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { protect } from "ts-mls/messageProtection.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { type UpdatePath, createUpdatePath } from "ts-mls/updatePath.js";
import { encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";
import { type GroupState, stateOf } from "../../src/mls/group-state.ts";
import type { MlsCiphersuite, MlsGroup } from "../../src/mls/port.ts";
import { asSecretTree } from "../../src/mls/secret-tree.ts";
import { openRatchets } from "../../src/mls/snapshot.ts";
import { applyChanges } from "../../src/mls/tree-changes.ts";
import { treeHashOf } from "../../src/mls/tree-hash.ts";
import { type Device, keyPackageOf } from "./mls.ts";

const none = new Uint8Array();

/** A KeyPackage in the library's values. */
export function decodedKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = decodeMlsMessage(bytes, 0)![0];
  if (message.wireformat !== "mls_key_package") throw new Error("not a KeyPackage");
  return message.keyPackage;
}

export function encodedKeyPackage(keyPackage: KeyPackage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

/** A KeyPackage of a device, altered, then signed by it. */
export async function forgedKeyPackage(
  of: Device,
  impl: CiphersuiteImpl,
  ciphersuite: MlsCiphersuite,
  alter: {
    readonly leaf?: (leaf: LeafNodeTBSKeyPackage) => LeafNodeTBSKeyPackage;
    readonly whole?: (keyPackage: KeyPackageTBS) => KeyPackageTBS;
  },
): Promise<KeyPackage> {
  const { leaf = (x) => x, whole = (x) => x } = alter;
  const made = decodedKeyPackage((await keyPackageOf(of, ciphersuite)).keyPackage);
  const { privateKey } = of.signatureKey;
  const leafNode = await signLeafNodeKeyPackage(leaf(made.leafNode), privateKey, impl.signature);
  return signKeyPackage(whole({ ...made, leafNode }), privateKey, impl.signature);
}

export function byValue(proposal: Proposal): ProposalOrRef {
  return { proposalOrRefType: "proposal", proposal };
}

/** A path that fits a tree after additions and removals, as an honest member makes it. */
export async function honestPath(
  group: MlsGroup,
  options: {
    readonly remove?: readonly number[];
    readonly add?: readonly KeyPackage[];
    readonly impl?: Partial<CiphersuiteImpl>;
  } = {},
): Promise<{ path: UpdatePath; tree: RatchetTree }> {
  const { epoch } = stateOf(group);
  const own = epoch.privatePath.leafIndex;
  const { remove = [], add = [], impl = {} } = options;
  const changed = applyChanges(epoch.tree, own, remove, add);
  const [tree, path] = await createUpdatePath(
    changed.tree,
    toLeafIndex(own),
    epoch.groupContext,
    epoch.signaturePrivateKey,
    { ...epoch.suite.impl, ...impl },
    changed.added.map((leaf) => leafToNodeIndex(toLeafIndex(leaf))),
  );
  return { path, tree };
}

/** A Commit with any content, signed and sealed by a member. Its confirmation tag is nonsense. */
export async function forgedCommit(group: MlsGroup, commit: Commit): Promise<Uint8Array> {
  const { epoch } = stateOf(group);
  const { signature, framedContent } = await createContentCommitSignature(
    epoch.groupContext,
    "mls_private_message",
    commit,
    { senderType: "member", leafIndex: epoch.privatePath.leafIndex },
    none,
    epoch.signaturePrivateKey,
    epoch.suite.impl.signature,
  );
  const auth = {
    contentType: "commit" as const,
    signature,
    confirmationTag: new Uint8Array(epoch.suite.impl.kdf.size),
  };
  return sealed(stateOf(group), { ...framedContent, auth });
}

/** Any content as a PrivateMessage of a member. */
async function sealed(
  state: GroupState,
  content: Parameters<typeof protect>[4],
  authenticatedData = none,
): Promise<Uint8Array> {
  const { epoch } = state;
  const own = epoch.privatePath.leafIndex;
  const { ratchets } = await openRatchets(state, own);
  const { privateMessage } = await protect(
    epoch.keySchedule.senderDataSecret,
    authenticatedData,
    epoch.groupContext,
    asSecretTree(own, ratchets),
    content,
    own,
    { kind: "padUntilLength", padUntilLength: 0 },
    epoch.suite.impl,
  );
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
}

/** A Welcome into a group's epoch, right in every part but what is altered; its key schedule is its own. */
export async function forgedWelcome(
  group: MlsGroup,
  keyPackage: KeyPackage,
  alter: {
    readonly context?: Partial<GroupContext>;
    readonly tree?: RatchetTree;
    readonly info?: (info: GroupInfoTBS) => GroupInfoTBS;
    readonly secrets?: (secrets: GroupSecrets) => GroupSecrets;
    readonly signer?: Device;
    readonly pathSecret?: Uint8Array;
  } = {},
): Promise<Uint8Array> {
  const { epoch } = stateOf(group);
  const { suite } = epoch;
  const { impl } = suite;
  const tree = alter.tree ?? epoch.tree;
  const groupContext = { ...epoch.groupContext, treeHash: await treeHashOf(tree, suite), ...alter.context };
  const joinerSecret = impl.rng.randomBytes(impl.kdf.size);
  const noPsk = new Uint8Array(impl.kdf.size);
  const [{ confirmationKey }] = await deriveKeySchedule(joinerSecret, noPsk, groupContext, impl.kdf);
  const tbs: GroupInfoTBS = {
    groupContext,
    extensions: [],
    confirmationTag: await createConfirmationTag(
      confirmationKey,
      groupContext.confirmedTranscriptHash,
      impl.hash,
    ),
    signer: epoch.privatePath.leafIndex,
  };
  const signingKey = alter.signer?.signatureKey.privateKey ?? epoch.signaturePrivateKey;
  const info = await signGroupInfo(alter.info?.(tbs) ?? tbs, signingKey, impl.signature);
  const encryptedGroupInfo = await encryptGroupInfo(
    info,
    await extractWelcomeSecret(joinerSecret, noPsk, impl.kdf),
    impl,
  );
  const secrets: GroupSecrets = { joinerSecret, pathSecret: alter.pathSecret, psks: [] };
  const { enc, ct } = await encryptGroupSecrets(
    await impl.hpke.importPublicKey(keyPackage.initKey),
    encryptedGroupInfo,
    alter.secrets?.(secrets) ?? secrets,
    impl.hpke,
  );
  const newMember = await makeKeyPackageRef(keyPackage, impl.hash);
  return encodeMlsMessage({
    version: "mls10",
    wireformat: "mls_welcome",
    welcome: {
      cipherSuite: impl.name,
      secrets: [{ newMember, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } }],
      encryptedGroupInfo,
    },
  });
}
