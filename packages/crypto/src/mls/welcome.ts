/**
 * Joining by Welcome (RFC 9420 §12.4.3.1), in two steps: what it says, and, with the ratchet tree at hand, the state. The tree travels
 * apart, since it is the same for all who join; the GroupInfo's tree hash ties it to the Welcome.
 */
import { CryptoError, equalBytes } from "@sotto/protocol";
import {
  type GroupInfo,
  verifyGroupInfoConfirmationTag,
  verifyGroupInfoSignature,
} from "ts-mls/groupInfo.js";
import type { GroupSecrets } from "ts-mls/groupSecrets.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { deriveKeySchedule } from "ts-mls/keySchedule.js";
import { encodeLeafNode } from "ts-mls/leafNode.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import { firstCommonAncestor } from "ts-mls/updatePath.js";
import { type Welcome, decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import type { Ed25519KeyPair } from "../provider.ts";
import { check, guarded, guardedSync } from "./checks.ts";
import { ciphersuiteOf } from "./ciphersuite.ts";
import { type GroupState, type Suite, found, groupOf, leafCount } from "./group-state.ts";
import { GROUP_DATA_EXTENSION, memberAt } from "./identity.ts";
import { decodeSecrets } from "./key-package.ts";
import { MLS_LIMITS } from "./limits.ts";
import { keysAlongPath } from "./path.ts";
import type { MlsCiphersuite, MlsGroup, MlsMember, OpenedWelcome } from "./port.ts";
import { newSecretRecords } from "./secret-tree.ts";
import { readTree } from "./tree-validation.ts";
import { decodeMessage } from "./wire.ts";

interface Opened {
  readonly suite: Suite;
  readonly groupInfo: GroupInfo;
  readonly groupSecrets: GroupSecrets;
  readonly keyPackage: KeyPackage;
  readonly encryptionKey: Uint8Array;
  readonly signaturePrivateKey: Uint8Array;
}

const openedWelcomes = new WeakMap<object, Opened>();

/** The KeyPackageRef that a Welcome is for. */
export function refOf(welcome: Uint8Array): Uint8Array {
  return Uint8Array.from(decode(welcome).secret.newMember);
}

function decode(bytes: Uint8Array): { welcome: Welcome; secret: Welcome["secrets"][number] } {
  const { welcome } = decodeMessage(bytes, "mls_welcome", MLS_LIMITS.maxWelcomeBytes);
  const [secret, ...others] = welcome.secrets;
  check(secret !== undefined && others.length === 0, "MLS-WELCOME-1", "a Welcome is for one KeyPackage");
  return { welcome, secret };
}

/** Opens a Welcome. */
export async function open(
  suites: (name: MlsCiphersuite) => Suite,
  bytes: Uint8Array,
  own: { readonly keyPackage: Uint8Array; readonly secrets: Uint8Array },
  signatureKey: Ed25519KeyPair,
): Promise<OpenedWelcome> {
  const { welcome, secret } = decode(bytes);
  const { keyPackage } = decodeMessage(own.keyPackage, "mls_key_package", MLS_LIMITS.maxKeyPackageBytes);
  const name = ciphersuiteOf(welcome.cipherSuite);
  check(
    name !== undefined && keyPackage.cipherSuite === welcome.cipherSuite,
    "MLS-WELCOME-2",
    "the ciphersuite is the KeyPackage's",
  );
  const suite = suites(name);
  const { impl } = suite;
  const ref = await makeKeyPackageRef(keyPackage, impl.hash);
  check(equalBytes(secret.newMember, ref), "MLS-WELCOME-3", "the Welcome is for this KeyPackage");
  check(
    equalBytes(keyPackage.leafNode.signaturePublicKey, signatureKey.publicKey),
    "MLS-WELCOME-4",
    "the KeyPackage is this device's",
  );
  const { initKey, encryptionKey } = decodeSecrets(own.secrets, suite);
  const groupSecrets = await guarded("MLS-WELCOME-5", "the Welcome opens", async () =>
    decryptGroupSecrets(await impl.hpke.importPrivateKey(initKey), ref, welcome, impl.hpke),
  );
  initKey.fill(0);
  check(groupSecrets !== undefined, "MLS-WELCOME-5", "the Welcome opens");
  check(groupSecrets.psks.length === 0, "MLS-WELCOME-6", "no pre-shared keys");
  const groupInfo = await guarded("MLS-WELCOME-5", "the Welcome opens", () =>
    decryptGroupInfo(welcome, groupSecrets.joinerSecret, new Uint8Array(impl.kdf.size), impl),
  );
  check(groupInfo !== undefined, "MLS-WELCOME-5", "the Welcome opens");
  checkGroupInfo(groupInfo, suite);
  const handle = Object.freeze({
    groupId: Uint8Array.from(groupInfo.groupContext.groupId),
    epoch: Number(groupInfo.groupContext.epoch),
    ciphersuite: name,
  });
  openedWelcomes.set(handle, {
    suite,
    groupInfo,
    groupSecrets,
    keyPackage,
    encryptionKey,
    signaturePrivateKey: signatureKey.privateKey,
  });
  return handle as unknown as OpenedWelcome;
}

function checkGroupInfo({ groupContext, extensions }: GroupInfo, suite: Suite): void {
  check(extensions.length === 0, "MLS-WELCOME-7", "a GroupInfo carries neither tree nor external key");
  const { version, cipherSuite, groupId, epoch } = groupContext;
  check(
    version === "mls10" && cipherSuite === suite.impl.name && epoch <= BigInt(Number.MAX_SAFE_INTEGER),
    "MLS-WELCOME-8",
    "version, ciphersuite and epoch are ours to speak",
  );
  check(
    groupId.length > 0 && groupId.length <= MLS_LIMITS.maxGroupIdBytes,
    "MLS-WELCOME-9",
    "a group id has 1 to 64 bytes",
  );
  const [extension, ...others] = groupContext.extensions;
  check(
    others.length === 0 &&
      (extension === undefined ||
        (extension.extensionType === GROUP_DATA_EXTENSION &&
          extension.extensionData.length <= MLS_LIMITS.maxGroupDataBytes)),
    "MLS-COMMIT-12",
    "the group's data are the only extension",
  );
}

/** Joins with the tree. */
export async function joinWith(
  welcome: OpenedWelcome,
  treeBytes: Uint8Array,
  nowSec: number,
): Promise<{ group: MlsGroup; sender: MlsMember }> {
  const { suite, groupInfo, groupSecrets, keyPackage, encryptionKey, signaturePrivateKey } = found(
    openedWelcomes.get(welcome),
  );
  const { impl } = suite;
  const { groupContext, signer } = groupInfo;
  const tree = await readTree(treeBytes, suite, groupContext.groupId, groupContext.treeHash);
  const sender = memberAt(tree, signer);
  check(sender !== undefined, "MLS-WELCOME-10", "who signed is a member");
  if (!(await verifyGroupInfoSignature(groupInfo, sender.signatureKey, impl.signature))) {
    throw new CryptoError("signature_invalid", "MLS-WELCOME-11: the GroupInfo is signed by a member");
  }
  const own = ownLeaf(tree, keyPackage);
  check(own !== undefined && own !== signer, "MLS-WELCOME-12", "the own leaf stands in the tree");
  checkLifetimes(tree, own, nowSec);

  const noPsk = new Uint8Array(impl.kdf.size);
  const joinerSecret = Uint8Array.from(groupSecrets.joinerSecret);
  check(
    await verifyGroupInfoConfirmationTag(groupInfo, joinerSecret, noPsk, impl),
    "MLS-WELCOME-13",
    "the confirmation tag is right",
  );
  const { pathSecret } = groupSecrets;
  check(pathSecret !== undefined, "MLS-WELCOME-14", "a joiner gets the path secret");
  const ancestor = guardedSync("MLS-PATH-2", "a path secret is of a node on the committer's path", () =>
    firstCommonAncestor(tree, toLeafIndex(own), toLeafIndex(signer)),
  );
  const along = await keysAlongPath(tree, signer, ancestor, pathSecret, suite);
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(
    joinerSecret,
    noPsk,
    groupContext,
    impl.kdf,
  );
  const state: GroupState = {
    epoch: {
      suite,
      groupContext,
      keySchedule,
      tree,
      privatePath: { leafIndex: own, privateKeys: { ...along.privateKeys, [2 * own]: encryptionKey } },
      signaturePrivateKey,
      confirmationTag: groupInfo.confirmationTag,
    },
    secrets: newSecretRecords(leafCount(tree), encryptionSecret, own),
  };
  for (const secret of [joinerSecret, along.commitSecret, encryptionSecret]) secret.fill(0);
  return { group: groupOf(state), sender };
}

function ownLeaf(tree: RatchetTree, { leafNode }: KeyPackage): number | undefined {
  const wanted = encodeLeafNode(leafNode);
  for (let leaf = 0; leaf < leafCount(tree); leaf++) {
    const node = tree[2 * leaf];
    if (
      node?.nodeType === "leaf" &&
      equalBytes(node.leaf.hpkePublicKey, leafNode.hpkePublicKey) &&
      equalBytes(encodeLeafNode(node.leaf), wanted)
    ) {
      return leaf;
    }
  }
  return undefined;
}

/** One's own KeyPackage must still be valid. Others' were when they were added, and leaves outlive KeyPackages. */
function checkLifetimes(tree: RatchetTree, own: number, nowSec: number): void {
  const node = tree[2 * own];
  const inTime =
    node?.nodeType === "leaf" &&
    node.leaf.leafNodeSource === "key_package" &&
    BigInt(nowSec) >= node.leaf.lifetime.notBefore &&
    BigInt(nowSec) <= node.leaf.lifetime.notAfter;
  check(inTime, "MLS-WELCOME-15", "the own KeyPackage is valid now");
}
