/**
 * A ratchet tree as a joiner gets it (RFC 9420 §12.4.3.1). The library's own check is not used: in it a leaf index out of range never
 * ends, a valid tree with unmerged leaves at several levels is refused, and 1,000 leaves take 4 s.
 */
import { CryptoError, equalBytes } from "@sotto/protocol";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { type RatchetTree, extendRatchetTree } from "ts-mls/ratchetTree.js";
import { directPath, leafToNodeIndex, leafWidth, root, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { check } from "./checks.ts";
import { type Suite, leafCount } from "./group-state.ts";
import { checkLeaf } from "./identity.ts";
import { checkUnique } from "./tree-changes.ts";
import { parentHashesHold, treeHashes } from "./tree-hash.ts";
import { decodeTreeNodes } from "./wire.ts";

/** Decodes and checks the tree of a group. */
export async function readTree(
  bytes: Uint8Array,
  suite: Suite,
  groupId: Uint8Array,
  treeHash: Uint8Array,
): Promise<RatchetTree> {
  const tree = extendRatchetTree(decodeTreeNodes(bytes));
  checkForm(tree, suite);
  checkUnique(tree);
  const hashes = await treeHashes(tree, suite);
  const hash = hashes[root(leafWidth(tree.length))];
  check(hash !== undefined && equalBytes(hash, treeHash), "MLS-TREE-7", "the tree hash is the GroupInfo's");
  check(await parentHashesHold(tree, hashes, suite), "MLS-TREE-8", "the parent hashes are right");
  for (let leaf = 0; leaf < leafCount(tree); leaf++) {
    const node = tree[2 * leaf];
    if (node?.nodeType !== "leaf") continue;
    if (!(await verifyLeafNodeSignature(node.leaf, groupId, leaf, suite.impl.signature))) {
      throw new CryptoError("signature_invalid", "MLS-TREE-9: every leaf is signed for its place");
    }
  }
  return tree;
}

function checkForm(tree: RatchetTree, suite: Suite): void {
  const { publicKeyBytes } = suite.primitives;
  for (const [index, node] of tree.entries()) {
    if (node === undefined) continue;
    check((node.nodeType === "leaf") === (index % 2 === 0), "MLS-TREE-4", "leaves stand in leaf places");
    if (node.nodeType === "leaf") {
      checkLeaf(node.leaf, suite.name, publicKeyBytes);
      check(node.leaf.leafNodeSource !== "update", "MLS-TREE-10", "no leaf came by an Update proposal");
      continue;
    }
    check(node.parent.hpkePublicKey.length === publicKeyBytes, "MLS-TREE-5", "keys fit the ciphersuite");
    let previous = -1;
    for (const leaf of node.parent.unmergedLeaves) {
      check(
        leaf > previous && leaf < leafCount(tree),
        "MLS-TREE-6",
        "unmerged leaves are in order and range",
      );
      previous = leaf;
      checkUnmerged(tree, index, leaf);
    }
  }
}

/** An unmerged leaf is a member below the node, and every filled node between the two lists it as well. */
function checkUnmerged(tree: RatchetTree, index: number, leaf: number): void {
  const start = leafToNodeIndex(toLeafIndex(leaf));
  const path = directPath(start, leafWidth(tree.length));
  const at = path.indexOf(toNodeIndex(index));
  check(at >= 0 && tree[start] !== undefined, "MLS-TREE-6", "unmerged leaves are members below the node");
  for (const between of path.slice(0, at)) {
    const node = tree[between];
    check(
      node?.nodeType !== "parent" || node.parent.unmergedLeaves.includes(leaf),
      "MLS-TREE-6",
      "what is unmerged above is unmerged below",
    );
  }
}
