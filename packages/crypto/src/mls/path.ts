/** Path secrets (RFC 9420 §7.4): keys of a path's nodes, checked against the tree, and the commit secret at its end. */
import { equalBytes } from "@sotto/protocol";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { directPath, leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
import { check } from "./checks.ts";
import type { Epoch, Suite } from "./group-state.ts";

/** Private keys by node index. */
export type PrivateKeys = Readonly<Record<number, Uint8Array>>;

/**
 * Keys from a path secret upwards. Walks the nodes that the committer's path filled: its direct path without the blanks.
 * @throws ValidationError `mls_invalid` (MLS-PATH-1): a node's public key is not the one that its secret gives.
 */
export async function keysAlongPath(
  tree: RatchetTree,
  committer: number,
  from: number,
  pathSecret: Uint8Array,
  suite: Suite,
): Promise<{ privateKeys: PrivateKeys; commitSecret: Uint8Array }> {
  const path = directPath(leafToNodeIndex(toLeafIndex(committer)), leafWidth(tree.length));
  const start = path.findIndex((node) => node === from);
  check(start >= 0, "MLS-PATH-2", "a path secret is of a node on the committer's path");
  const privateKeys: Record<number, Uint8Array> = {};
  let secret = pathSecret;
  for (const index of path.slice(start)) {
    const node = tree[index];
    if (node?.nodeType !== "parent") continue;
    const nodeSecret = await deriveSecret(secret, "node", suite.impl.kdf);
    const { privateKey, publicKey } = await suite.primitives.kemDerive(nodeSecret);
    nodeSecret.fill(0);
    check(
      equalBytes(publicKey, node.parent.hpkePublicKey),
      "MLS-PATH-1",
      "a path secret gives the public key that the path shows",
    );
    privateKeys[index] = privateKey;
    const next = await deriveSecret(secret, "path", suite.impl.kdf);
    if (secret !== pathSecret) secret.fill(0);
    secret = next;
  }
  return { privateKeys, commitSecret: secret };
}

/** What remains of one's private keys in a new tree, with the new ones: keys of blanks and of nodes that others filled anew are gone. */
export function keptKeys(epoch: Epoch, tree: RatchetTree, fresh: PrivateKeys): Record<number, Uint8Array> {
  const kept: Record<number, Uint8Array> = {};
  for (const [key, privateKey] of Object.entries(epoch.privatePath.privateKeys)) {
    const index = Number(key);
    if (tree[index] !== undefined && publicKeyAt(tree, index) === publicKeyAt(epoch.tree, index)) {
      kept[index] = privateKey;
    }
  }
  return { ...kept, ...fresh };
}

// Nodes are values that both trees share as long as nobody replaced them; additions copy a parent but keep its key's array.
function publicKeyAt(tree: RatchetTree, index: number): Uint8Array | undefined {
  const node = tree[index];
  return node?.nodeType === "leaf" ? node.leaf.hpkePublicKey : node?.parent.hpkePublicKey;
}
