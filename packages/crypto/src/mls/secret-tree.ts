/**
 * The secret tree (RFC 9420 §9) as it lies on disk: records, one per leaf that has sent, rewritten when that leaf sends. A record holds
 * the leaf's two ratchets and the secrets of the subtrees that fell off when the leaf's secret was derived (its copath).
 *
 * - At the start of an epoch one record, of the own leaf, holds the root alone: the encryption_secret.
 * - Deriving a leaf takes the subtree's secret out of the record that held it (rewritten without it) and puts the copath's into the
 *   leaf's own record. So what was derived from is gone, as §9.2 demands, and no change touches more than two records.
 * - A record has at most two ratchets, `keptGenerations` skipped keys each, and one secret per level of the tree.
 */
import { StorageError, concatBytes, utf8 } from "@sotto/protocol";
import { decodeNumberRecord, decodeVarLenData } from "ts-mls/codec/variableLength.js";
import { decodeUint32, decodeUint8 } from "ts-mls/codec/number.js";
import { decodeOptional } from "ts-mls/codec/optional.js";
import { mapDecoders } from "ts-mls/codec/tlsDecoder.js";
import type { Kdf } from "ts-mls/crypto/kdf.js";
import { expandWithLabel } from "ts-mls/crypto/kdf.js";
import { type SecretTree, type SecretTreeNode, decodeSecretTreeNode } from "ts-mls/secretTree.js";
import { isLeaf, left, leafToNodeIndex, right, root, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { lengthBytes, uint32 } from "./message-bytes.ts";
import { isBelow } from "./tree-hash.ts";

/** What is kept for one leaf. */
export interface LeafSecrets {
  /** undefined until this leaf's secret was derived. */
  readonly ratchets: SecretTreeNode | undefined;
  /** Secrets of subtrees of which no leaf was derived yet, by node index. */
  readonly subtrees: Readonly<Record<number, Uint8Array>>;
}

/** Records by leaf index. A value: every change makes a new one. */
export type SecretRecords = readonly (LeafSecrets | undefined)[];

const recordVersion = 1;
const leftLabel = utf8("left");
const rightLabel = utf8("right");
const none = new Uint8Array();

/** The records of a new epoch. Keeps a copy of the secret. */
export function newSecretRecords(
  leafCount: number,
  encryptionSecret: Uint8Array,
  ownLeaf: number,
): SecretRecords {
  const records: (LeafSecrets | undefined)[] = [];
  records[ownLeaf] = {
    ratchets: undefined,
    subtrees: { [root(leafCount)]: Uint8Array.from(encryptionSecret) },
  };
  return records;
}

/** The records with a leaf's ratchets derived, and which records changed. undefined: its secret is nowhere. */
export async function openLeaf(
  records: SecretRecords,
  leaf: number,
  leafCount: number,
  kdf: Kdf,
): Promise<{ records: SecretRecords; changed: readonly number[]; ratchets: SecretTreeNode } | undefined> {
  const known = records[leaf]?.ratchets;
  if (known !== undefined) return { records, changed: [], ratchets: known };
  const target = leafToNodeIndex(toLeafIndex(leaf));
  if (leaf >= leafCount) return undefined;
  const found = findSubtree(records, target);
  if (found === undefined) return undefined;

  const copath: Record<number, Uint8Array> = {};
  let at = toNodeIndex(found.node);
  let secret = found.secret;
  while (!isLeaf(at)) {
    const [goLeft, l, r] = [target < at, left(at), right(at)];
    const leftSecret = await expandWithLabel(secret, "tree", leftLabel, kdf.size, kdf);
    const rightSecret = await expandWithLabel(secret, "tree", rightLabel, kdf.size, kdf);
    if (at !== found.node) secret.fill(0);
    copath[goLeft ? r : l] = goLeft ? rightSecret : leftSecret;
    secret = goLeft ? leftSecret : rightSecret;
    at = goLeft ? l : r;
  }
  const ratchets: SecretTreeNode = {
    handshake: await newRatchet(secret, "handshake", kdf),
    application: await newRatchet(secret, "application", kdf),
  };
  if (at !== found.node) secret.fill(0);

  const next = records.slice();
  const { [found.node]: _used, ...rest } = found.holder.subtrees;
  next[found.leaf] = { ...found.holder, subtrees: rest };
  next[leaf] = { ratchets, subtrees: { ...next[leaf]?.subtrees, ...copath } };
  return { records: next, changed: found.leaf === leaf ? [leaf] : [found.leaf, leaf], ratchets };
}

/** The records with a leaf's ratchets moved on. */
export function withRatchets(records: SecretRecords, leaf: number, ratchets: SecretTreeNode): SecretRecords {
  const next = records.slice();
  next[leaf] = { ratchets, subtrees: records[leaf]?.subtrees ?? {} };
  return next;
}

/** One leaf's ratchets where the library looks for them in a whole tree. */
export function asSecretTree(leaf: number, ratchets: SecretTreeNode): SecretTree {
  const tree: SecretTree = [];
  tree[leafToNodeIndex(toLeafIndex(leaf))] = ratchets;
  return tree;
}

const decodeRecord = mapDecoders(
  [decodeUint8, decodeOptional(decodeSecretTreeNode), decodeNumberRecord(decodeUint32, decodeVarLenData)],
  (version, ratchets, subtrees) => ({ version, ratchets, subtrees }),
);

/** A record in bytes, as the library's encoders would write it; every message writes one. */
export function encodeLeafSecrets({ ratchets, subtrees }: LeafSecrets): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(recordVersion, ratchets === undefined ? 0 : 1)];
  if (ratchets !== undefined) {
    for (const { secret, generation, unusedGenerations } of [ratchets.handshake, ratchets.application]) {
      parts.push(lengthBytes(secret.length), secret, uint32(generation), numbered(unusedGenerations));
    }
  }
  return concatBytes(...parts, numbered(subtrees));
}

function numbered(values: Readonly<Record<number, Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of Object.entries(values)) {
    parts.push(uint32(Number(key)), lengthBytes(value.length), value);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(lengthBytes(length), ...parts);
}

/** @throws StorageError `vault_damaged`. */
export function decodeLeafSecrets(bytes: Uint8Array): LeafSecrets {
  try {
    const decoded = decodeRecord(Uint8Array.from(bytes), 0);
    if (decoded !== undefined && decoded[1] === bytes.length && decoded[0].version === recordVersion) {
      return { ratchets: decoded[0].ratchets, subtrees: decoded[0].subtrees };
    }
  } catch (cause) {
    throw new StorageError("vault_damaged", "a record of MLS secrets does not decode", { cause });
  }
  throw new StorageError("vault_damaged", "a record of MLS secrets does not decode");
}

interface Subtree {
  readonly leaf: number;
  readonly holder: LeafSecrets;
  readonly node: number;
  readonly secret: Uint8Array;
}

/** The subtree that holds a leaf and is still whole: exactly one does, as long as the leaf was not derived. */
function findSubtree(records: SecretRecords, target: number): Subtree | undefined {
  for (const [leaf, holder] of records.entries()) {
    if (holder === undefined) continue;
    for (const [key, secret] of Object.entries(holder.subtrees)) {
      const node = Number(key);
      if (isBelow(target, node)) return { leaf, holder, node, secret };
    }
  }
  return undefined;
}

async function newRatchet(
  secret: Uint8Array,
  label: string,
  kdf: Kdf,
): Promise<SecretTreeNode["application"]> {
  return {
    secret: await expandWithLabel(secret, label, none, kdf.size, kdf),
    generation: 0,
    unusedGenerations: {},
  };
}
