/**
 * Commits (RFC 9420 §12.4) that we make. The steps are those of the RFC, each done by ts-mls; the order is ours because the library's own
 * createCommit leaves out the path where the RFC allows it, reads the clock, seals paths under the old extensions when they change, and
 * takes a constant as commit secret in a group of one. See spec/decisions/0015-mls-engine.md.
 */
import { UsageError } from "@sotto/protocol";
import { encodeMlsMessage } from "ts-mls/message.js";
import { nextEpochContext } from "ts-mls/clientState.js";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import { signGroupInfo } from "ts-mls/groupInfo.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { protect } from "ts-mls/messageProtection.js";
import { privateMessageContentEncoder } from "ts-mls/privateMessage.js";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { createUpdatePath, firstCommonAncestor } from "ts-mls/updatePath.js";
import { encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";
import { check, guarded } from "./checks.ts";
import { type Epoch, type GroupState, groupOf, leafCount } from "./group-state.ts";
import { groupDataExtensions } from "./identity.ts";
import { keyPackageOf } from "./key-package.ts";
import { MLS_LIMITS } from "./limits.ts";
import { padme } from "./padding.ts";
import { keptKeys, keysAlongPath } from "./path.ts";
import type { NewCommit, VerifiedKeyPackage } from "./port.ts";
import { asSecretTree, newSecretRecords, withRatchets } from "./secret-tree.ts";
import { deltaOf, openRatchets } from "./snapshot.ts";
import { applyChanges, checkUnique } from "./tree-changes.ts";
import { treeHashOf } from "./tree-hash.ts";
import { encodeTree } from "./wire.ts";

/** What a Commit is to change. */
export interface Changes {
  readonly add?: readonly VerifiedKeyPackage[];
  readonly remove?: readonly number[];
  readonly groupData?: Uint8Array;
}

const none = new Uint8Array();
const unpadded = privateMessageContentEncoder({ kind: "padUntilLength", padUntilLength: 0 });

interface Joiner {
  readonly leaf: number;
  readonly keyPackage: KeyPackage;
  readonly ref: Uint8Array;
}

/** Makes a Commit. */
export async function makeCommit(state: GroupState, changes: Changes): Promise<NewCommit> {
  const { epoch } = state;
  const { suite, groupContext } = epoch;
  const { impl } = suite;
  const own = epoch.privatePath.leafIndex;
  const { add = [], remove = [], groupData } = changes;
  checkChanges(epoch, changes);
  const packages = add.map(keyPackageOf);
  const changed = applyChanges(
    epoch.tree,
    own,
    remove,
    packages.map(({ value }) => value),
  );
  const joiners: Joiner[] = packages.map(({ value, ref }, i) => ({
    leaf: changed.added[i] ?? 0,
    keyPackage: value,
    ref,
  }));
  const context =
    groupData === undefined ? groupContext : { ...groupContext, extensions: groupDataExtensions(groupData) };

  // The library forgets the leaf's path secret, which a group of one needs: it is the first random value that it draws.
  const drawn: Uint8Array[] = [];
  const rng = {
    randomBytes(length: number): Uint8Array {
      const bytes = impl.rng.randomBytes(length);
      drawn.push(bytes);
      return bytes;
    },
  };
  const [tree, path, pathSecrets, leafKey] = await guarded("MLS-COMMIT-5", "no path to the members", () =>
    createUpdatePath(
      changed.tree,
      toLeafIndex(own),
      context,
      epoch.signaturePrivateKey,
      { ...impl, rng },
      changed.added.map((leaf) => leafToNodeIndex(toLeafIndex(leaf))),
    ),
  );
  checkUnique(tree);
  const [first] = pathSecrets;
  const leafSecret = drawn[0] ?? none;
  const along =
    first === undefined
      ? { privateKeys: {}, commitSecret: await deriveSecret(leafSecret, "path", impl.kdf) }
      : await keysAlongPath(tree, own, first.nodeIndex, first.secret, suite);
  const privateKeys = keptKeys(epoch, tree, {
    ...along.privateKeys,
    [2 * own]: await impl.hpke.exportPrivateKey(leafKey),
  });

  const proposals: ProposalOrRef[] = [
    ...remove.map((removed) => byValue({ proposalType: "remove", remove: { removed } })),
    ...packages.map(({ value }) => byValue({ proposalType: "add", add: { keyPackage: value } })),
    ...(groupData === undefined
      ? []
      : [
          byValue({
            proposalType: "group_context_extensions",
            groupContextExtensions: { extensions: context.extensions },
          }),
        ]),
  ];
  const { signature, framedContent } = await createContentCommitSignature(
    groupContext,
    "mls_private_message",
    { proposals, path },
    { senderType: "member", leafIndex: own },
    none,
    epoch.signaturePrivateKey,
    impl.signature,
  );
  const nextContext = await nextEpochContext(
    context,
    "mls_private_message",
    framedContent,
    signature,
    await treeHashOf(tree, suite),
    epoch.confirmationTag,
    impl.hash,
  );
  const secrets = await initializeEpoch(
    epoch.keySchedule.initSecret,
    along.commitSecret,
    nextContext,
    new Uint8Array(impl.kdf.size),
    impl.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    secrets.keySchedule.confirmationKey,
    nextContext.confirmedTranscriptHash,
    impl.hash,
  );

  const ratchets = await openRatchets(state, own);
  const content = {
    ...framedContent,
    auth: { contentType: "commit" as const, signature, confirmationTag },
  };
  const sealed = await protect(
    epoch.keySchedule.senderDataSecret,
    none,
    groupContext,
    asSecretTree(own, ratchets.ratchets),
    content,
    own,
    padme(unpadded(content)[0]),
    impl,
  );
  const spent = {
    epoch,
    secrets: withRatchets(ratchets.records, own, sealed.tree[2 * own] ?? ratchets.ratchets),
  };
  const nextEpoch: Epoch = {
    suite,
    groupContext: nextContext,
    keySchedule: secrets.keySchedule,
    tree,
    privatePath: { leafIndex: own, privateKeys },
    signaturePrivateKey: epoch.signaturePrivateKey,
    confirmationTag,
  };
  const next: GroupState = {
    epoch: nextEpoch,
    secrets: newSecretRecords(leafCount(tree), secrets.encryptionSecret, own),
  };
  const welcomes = await makeWelcomes(nextEpoch, joiners, pathSecrets, secrets);
  for (const secret of [
    ...drawn,
    ...pathSecrets.map(({ secret }) => secret),
    along.commitSecret,
    secrets.encryptionSecret,
    secrets.joinerSecret,
    secrets.welcomeSecret,
  ]) {
    secret.fill(0);
  }
  return {
    commit: encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_private_message",
      privateMessage: sealed.privateMessage,
    }),
    welcomes,
    tree: joiners.length === 0 ? none : encodeTree(tree),
    next: groupOf(next),
    group: groupOf(spent),
    delta: deltaOf(spent, [...ratchets.changed, own]),
  };
}

function checkChanges(epoch: Epoch, { add = [], remove = [], groupData }: Changes): void {
  if (add.length + remove.length >= MLS_LIMITS.maxProposals) {
    throw new UsageError("usage", "too many changes for one Commit");
  }
  if (groupData !== undefined && groupData.length > MLS_LIMITS.maxGroupDataBytes) {
    throw new UsageError("usage", "a group's data have at most 65,535 bytes");
  }
  for (const verified of add) {
    check(
      keyPackageOf(verified).value.cipherSuite === epoch.suite.impl.name,
      "MLS-KP-2",
      "version and ciphersuite are the expected ones",
    );
  }
}

/** One Welcome for each joiner (RFC 9420 §12.4.3.1), so that none learns from it who else joins. */
async function makeWelcomes(
  epoch: Epoch,
  joiners: readonly Joiner[],
  pathSecrets: readonly { readonly nodeIndex: number; readonly secret: Uint8Array }[],
  secrets: { readonly joinerSecret: Uint8Array; readonly welcomeSecret: Uint8Array },
): Promise<Uint8Array[]> {
  if (joiners.length === 0) return [];
  const { impl } = epoch.suite;
  const own = epoch.privatePath.leafIndex;
  const groupInfo = await signGroupInfo(
    {
      groupContext: epoch.groupContext,
      extensions: [],
      confirmationTag: epoch.confirmationTag,
      signer: own,
    },
    epoch.signaturePrivateKey,
    impl.signature,
  );
  const encryptedGroupInfo = await encryptGroupInfo(groupInfo, secrets.welcomeSecret, impl);
  const welcomes: Uint8Array[] = [];
  for (const { leaf, keyPackage, ref } of joiners) {
    const ancestor = ancestorOf(epoch.tree, leaf, own);
    const pathSecret = pathSecrets.find(({ nodeIndex }) => nodeIndex === ancestor)?.secret;
    const { enc, ct } = await encryptGroupSecrets(
      await impl.hpke.importPublicKey(keyPackage.initKey),
      encryptedGroupInfo,
      { joinerSecret: secrets.joinerSecret, pathSecret, psks: [] },
      impl.hpke,
    );
    welcomes.push(
      encodeMlsMessage({
        version: "mls10",
        wireformat: "mls_welcome",
        welcome: {
          cipherSuite: impl.name,
          secrets: [{ newMember: ref, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } }],
          encryptedGroupInfo,
        },
      }),
    );
  }
  return welcomes;
}

function ancestorOf(tree: RatchetTree, leaf: number, own: number): number {
  return firstCommonAncestor(tree, toLeafIndex(leaf), toLeafIndex(own));
}

function byValue(
  proposal: Extract<ProposalOrRef, { proposalOrRefType: "proposal" }>["proposal"],
): ProposalOrRef {
  return { proposalOrRefType: "proposal", proposal };
}
