/** What a Commit does to the ratchet tree, and the rules that the new tree must keep (RFC 9420 §7.3, §12.1, §12.2, §12.4.2). */
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { type RatchetTree, addLeafNode, removeLeafNode } from "ts-mls/ratchetTree.js";
import { nodeToLeafIndex, toLeafIndex } from "ts-mls/treemath.js";
import { check } from "./checks.ts";
import { leafCount } from "./group-state.ts";
import { MLS_LIMITS } from "./limits.ts";

/** A tree after removals and additions, before the path. */
export interface ChangedTree {
  readonly tree: RatchetTree;
  /** Leaf index of each KeyPackage that was added, in order. */
  readonly added: readonly number[];
}

/** Applies Remove and Add proposals, in that order (RFC 9420 §12.3). */
export function applyChanges(
  tree: RatchetTree,
  committer: number,
  remove: readonly number[],
  add: readonly KeyPackage[],
): ChangedTree {
  let next = tree;
  check(new Set(remove).size === remove.length, "MLS-COMMIT-1", "no leaf is removed twice");
  for (const leaf of remove) {
    check(leaf !== committer, "MLS-COMMIT-2", "nobody removes the own leaf");
    check(tree[2 * leaf]?.nodeType === "leaf", "MLS-COMMIT-3", "who is removed is a member");
    next = removeLeafNode(next, toLeafIndex(leaf));
  }
  const added: number[] = [];
  for (const keyPackage of add) {
    const [grown, node] = addLeafNode(next, keyPackage.leafNode);
    added.push(nodeToLeafIndex(node));
    next = grown;
  }
  check(leafCount(next) <= MLS_LIMITS.maxLeaves, "MLS-COMMIT-4", "a group has at most 4,096 leaves");
  return { tree: next, added };
}

/**
 * Whether every encryption key, signature key and client stands in the tree once. Keys are compared by their last 32 bytes: of X-Wing
 * that is the X25519 half, and whoever shares that shares too much.
 */
export function checkUnique(tree: RatchetTree): void {
  const encryptionKeys = new Set<string>();
  const signatureKeys = new Set<string>();
  const clients = new Set<string>();
  let nodes = 0;
  let leaves = 0;
  for (const node of tree) {
    if (node === undefined) continue;
    nodes++;
    encryptionKeys.add(
      keyText(node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey),
    );
    if (node.nodeType === "leaf") {
      leaves++;
      signatureKeys.add(keyText(node.leaf.signaturePublicKey));
      if (node.leaf.credential.credentialType === "basic") {
        clients.add(String.fromCharCode(...node.leaf.credential.identity));
      }
    }
  }
  check(encryptionKeys.size === nodes, "MLS-TREE-1", "every encryption key stands in the tree once");
  check(signatureKeys.size === leaves, "MLS-TREE-2", "every signature key stands in the tree once");
  check(clients.size === leaves, "MLS-TREE-3", "every client has one leaf");
}

function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key.subarray(-32));
}
