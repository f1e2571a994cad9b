/**
 * Tree hashes (RFC 9420 §7.8) of a whole tree in one pass, and parent hashes (§7.9) checked with them. The library hashes the same subtrees
 * over and over: a tree of 1,000 leaves took it 4 s to check, and takes 20 ms here. What is hashed, the library encodes.
 */
import { concatBytes, equalBytes } from "@sotto/protocol";
import { encodeParentHashInput } from "ts-mls/parentHash.js";
import type { ParentNode } from "ts-mls/parentNode.js";
import { type Node, type RatchetTree, removeLeaves, resolution } from "ts-mls/ratchetTree.js";
import { encodeParentNodeHashInput, treeHash } from "ts-mls/treeHash.js";
import {
  type NodeIndex,
  isLeaf,
  leafWidth,
  leafToNodeIndex,
  left,
  parent,
  right,
  root,
  toLeafIndex,
  toNodeIndex,
} from "ts-mls/treemath.js";
import type { Suite } from "./group-state.ts";
import { encodeNode } from "./wire.ts";

const leafHashes = new WeakMap<Node, { readonly index: number; readonly hash: Uint8Array }>();

/** The hash of every subtree, by node index. The root's is the tree hash. */
export async function treeHashes(tree: RatchetTree, suite: Suite): Promise<readonly Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  const width = leafWidth(tree.length);

  async function visit(index: NodeIndex): Promise<Uint8Array> {
    const node = tree[index];
    const hash = isLeaf(index)
      ? await leafHash(node, index, suite)
      : await suite.primitives.hash(
          encodeParentNodeHashInput({
            nodeType: "parent",
            parentNode: node?.nodeType === "parent" ? node.parent : undefined,
            leftHash: await visit(left(index)),
            rightHash: await visit(right(index)),
          }),
        );
    hashes[index] = hash;
    return hash;
  }

  await visit(root(width));
  return hashes;
}

/** The tree hash. */
export async function treeHashOf(tree: RatchetTree, suite: Suite): Promise<Uint8Array> {
  const hashes = await treeHashes(tree, suite);
  return hashes[root(leafWidth(tree.length))] ?? new Uint8Array();
}

async function leafHash(node: Node | undefined, index: number, suite: Suite): Promise<Uint8Array> {
  const known = node === undefined ? undefined : leafHashes.get(node);
  if (known?.index === index) return known.hash;
  // TreeHashInput of a leaf: node type, leaf index, optional leaf. An encoded node is: present, node type, leaf.
  const input = new Uint8Array(6);
  new DataView(input.buffer).setUint32(1, index / 2);
  input[0] = 1;
  input[5] = node === undefined ? 0 : 1;
  const hash = await suite.primitives.hash(
    node === undefined ? input : concatBytes(input, encodeNode(node).subarray(2)),
  );
  if (node !== undefined) leafHashes.set(node, { index, hash });
  return hash;
}

/**
 * Whether every filled parent node is tied to exactly one filled node below it by its parent hash (RFC 9420 §7.9.2).
 * @param hashes of this tree.
 */
export async function parentHashesHold(
  tree: RatchetTree,
  hashes: readonly Uint8Array[],
  suite: Suite,
): Promise<boolean> {
  const width = leafWidth(tree.length);
  const top = root(width);
  const tied = new Set<number>();
  for (const [i, node] of tree.entries()) {
    const claim = parentHashOf(node);
    if (claim === undefined) continue;
    if (i === top) {
      // A parent at the top has no parent to speak of; a leaf there has whatever it had when others were gone.
      if (node?.nodeType === "parent" && claim.length > 0) return false;
      continue;
    }
    const [child, above] = ancestorOf(tree, toNodeIndex(i), width);
    const ancestor = tree[above];
    if (ancestor?.nodeType !== "parent") continue;
    if (!equalBytes(claim, await parentHash(tree, hashes, ancestor.parent, above, child, suite))) continue;
    if (tied.has(above) || !onlyUnmergedBeside(tree, i, child, ancestor.parent.unmergedLeaves)) return false;
    tied.add(above);
  }
  return tree.every((node, i) => node?.nodeType !== "parent" || tied.has(i));
}

function parentHashOf(node: Node | undefined): Uint8Array | undefined {
  if (node?.nodeType === "parent") return node.parent.parentHash;
  return node?.leaf.leafNodeSource === "commit" ? node.leaf.parentHash : undefined;
}

/** The nearest filled ancestor, or the root, and its child on the way. */
function ancestorOf(tree: RatchetTree, from: NodeIndex, width: number): [child: NodeIndex, above: NodeIndex] {
  let child = from;
  let above = parent(from, width);
  while (tree[above] === undefined && above !== root(width)) {
    child = above;
    above = parent(above, width);
  }
  return [child, above];
}

async function parentHash(
  tree: RatchetTree,
  hashes: readonly Uint8Array[],
  above: ParentNode,
  index: NodeIndex,
  child: NodeIndex,
  suite: Suite,
): Promise<Uint8Array> {
  const sibling = child < index ? right(index) : left(index);
  const unmerged = above.unmergedLeaves.map(toLeafIndex);
  const originalSiblingTreeHash = unmerged.some((leaf) => isBelow(leafToNodeIndex(leaf), sibling))
    ? await treeHash(removeLeaves(tree, unmerged), sibling, suite.impl.hash)
    : (hashes[sibling] ?? new Uint8Array());
  return suite.primitives.hash(
    encodeParentHashInput({
      encryptionKey: above.hpkePublicKey,
      parentHash: above.parentHash,
      originalSiblingTreeHash,
    }),
  );
}

/** Whether what one must seal to under `child`, beside the node itself, are exactly the ancestor's unmerged leaves there. */
function onlyUnmergedBeside(
  tree: RatchetTree,
  index: number,
  child: NodeIndex,
  unmerged: readonly number[],
): boolean {
  const others = resolution(tree, child).filter((node) => node !== index);
  const expected = new Set<number>(
    unmerged.map((leaf) => leafToNodeIndex(toLeafIndex(leaf))).filter((node) => isBelow(node, child)),
  );
  return others.length === expected.size && others.every((node) => expected.has(node));
}

/** Whether a node is in the subtree under another (RFC 9420, appendix C: a node of level k spans 2^k - 1 indices either way). */
export function isBelow(node: number, top: number): boolean {
  let level = 0;
  while (((top >> level) & 1) === 1) level++;
  return Math.abs(node - top) < 2 ** level;
}
