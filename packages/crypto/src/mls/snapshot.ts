/**
 * State on disk: the base of an epoch, written once, and the records of its secret tree, each rewritten when its leaf sends. A message
 * changes at most two records, about a kilobyte each. The signature key is kept elsewhere.
 *
 * Whoever writes a delta's records over the older ones of the same id, and deletes an epoch's base and records when the next begins,
 * keeps nothing that opens a message twice.
 */
import { CodecError, StorageError, concatBytes } from "@sotto/protocol";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeGroupContext, encodeGroupContext } from "ts-mls/groupContext.js";
import { decodeKeySchedule, encodeKeySchedule } from "ts-mls/keySchedule.js";
import { decodePrivateKeyPath, privateKeyPathEncoder } from "ts-mls/privateKeyPath.js";
import { extendRatchetTree } from "ts-mls/ratchetTree.js";
import type { SecretTreeNode } from "ts-mls/secretTree.js";
import { check } from "./checks.ts";
import { ciphersuiteOf } from "./ciphersuite.ts";
import { type GroupState, type Suite, leafCount } from "./group-state.ts";
import type { MlsCiphersuite, MlsDelta, MlsSecretRecord, MlsSnapshot } from "./port.ts";
import {
  type LeafSecrets,
  type SecretRecords,
  decodeLeafSecrets,
  encodeLeafSecrets,
  openLeaf,
} from "./secret-tree.ts";
import { decodeAll, decodeTreeNodes, encodeTree } from "./wire.ts";

const version = 1;

/** A state's leaf with its ratchets derived. @throws ValidationError `mls_invalid` (MLS-MSG-3). */
export async function openRatchets(
  { epoch, secrets }: GroupState,
  leaf: number,
): Promise<{ records: SecretRecords; changed: readonly number[]; ratchets: SecretTreeNode }> {
  const opened = await openLeaf(secrets, leaf, leafCount(epoch.tree), epoch.suite.impl.kdf);
  check(opened !== undefined, "MLS-MSG-3", "the sender is a leaf of the tree");
  return opened;
}

/** The records that changed. */
export function deltaOf(state: GroupState, changed: readonly number[]): MlsDelta {
  return [...new Set(changed)].map((leaf) => recordOf(leaf, state.secrets[leaf]));
}

function recordOf(leaf: number, secrets: LeafSecrets | undefined): MlsSecretRecord {
  return { id: leaf, bytes: encodeLeafSecrets(secrets ?? { ratchets: undefined, subtrees: {} }) };
}

/** A state in bytes. */
export function encodeState({ epoch, secrets }: GroupState): MlsSnapshot {
  const parts = [
    encodeGroupContext(epoch.groupContext),
    encodeKeySchedule(epoch.keySchedule),
    encodeTree(epoch.tree),
    encode(privateKeyPathEncoder)(epoch.privatePath),
    epoch.confirmationTag,
  ];
  const base = concatBytes(
    Uint8Array.of(version),
    ...parts.flatMap((part) => [lengthBytes(part.length), part]),
  );
  const records: MlsSecretRecord[] = [];
  for (const [leaf, record] of secrets.entries()) {
    if (record !== undefined) records.push(recordOf(leaf, record));
  }
  return { base, secrets: records };
}

/** The state that a base and the newest records describe. @throws StorageError `vault_damaged`. */
export function decodeState(
  { base, secrets }: MlsSnapshot,
  signaturePrivateKey: Uint8Array,
  suites: (name: MlsCiphersuite) => Suite,
): GroupState {
  try {
    const [context, schedule, tree, path, confirmationTag] = splitParts(base);
    const groupContext = decodeAll(decodeGroupContext, context, "a GroupContext");
    const name = ciphersuiteOf(groupContext.cipherSuite);
    if (name === undefined) throw new CodecError("malformed", "an unknown ciphersuite");
    const records: (LeafSecrets | undefined)[] = [];
    for (const { id, bytes } of secrets) records[id] = decodeLeafSecrets(bytes);
    return {
      epoch: {
        suite: suites(name),
        groupContext,
        keySchedule: decodeAll(decodeKeySchedule, schedule, "a key schedule"),
        tree: extendRatchetTree(decodeTreeNodes(tree)),
        privatePath: decodeAll(decodePrivateKeyPath, path, "private keys"),
        signaturePrivateKey,
        confirmationTag,
      },
      secrets: records,
    };
  } catch (cause) {
    throw new StorageError("vault_damaged", "the state of an MLS group does not decode", { cause });
  }
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

type Parts = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function splitParts(base: Uint8Array): Parts {
  const own = Uint8Array.from(base);
  const view = new DataView(own.buffer);
  const parts: Uint8Array[] = [];
  let at = 1;
  while (at + 4 <= own.length) {
    const length = view.getUint32(at);
    parts.push(own.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (own[0] !== version || at !== own.length || parts.length !== 5) {
    throw new CodecError("malformed", "not a snapshot of version 1");
  }
  return parts as Parts;
}
