/**
 * The port behind which an MLS engine (RFC 9420) does its work, so that another could stand in. Everything that crosses it is ours:
 * bytes, numbers and opaque handles; no caller sees a library's types.
 *
 * States are values: an operation never alters the state that it was given, and returns the next one. So nothing advances before it
 * was authenticated, and whoever drops the result has changed nothing. What is unverified, staged and verified are different types.
 *
 * Kept out on purpose: external Commits and senders, proposals by reference, PSKs, ReInit, and the ratchet tree in a Welcome. Checks have
 * ids; see spec/VALIDATION.md.
 */
import type { Ed25519KeyPair } from "../provider.ts";

/** x-wing: X-Wing, AES-256-GCM, SHA-512, Ed25519 (0x0053). x25519: X25519, AES-128-GCM, SHA-256, Ed25519 (0x0001). */
export type MlsCiphersuite = "x-wing" | "x25519";

/** Numbers of the ciphersuites on the wire. */
export const MLS_CIPHERSUITE_IDS = { "x-wing": 0x0053, x25519: 0x0001 } as const satisfies Record<
  MlsCiphersuite,
  number
>;

/** Who a leaf speaks for: a BasicCredential whose identity is account_id || device_id, 16 bytes each. */
export interface MlsClient {
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
}

/** A leaf of the ratchet tree. Whether it may speak for its account, only its device list can say. */
export interface MlsMember extends MlsClient {
  readonly leafIndex: number;
  /** Ed25519, 32 bytes. */
  readonly signatureKey: Uint8Array;
  /** Whether its leaf is that of its KeyPackage still: the device has committed nothing since it was added (RFC 9420 §7.2, leaf_node_source). */
  readonly fromKeyPackage: boolean;
}

declare const opaque: unique symbol;

/** A KeyPackage that is well formed and signed by its own leaf; nobody has said yet whose key that is. */
export interface UnverifiedKeyPackage extends MlsClient {
  readonly [opaque]: "unverified KeyPackage";
  readonly ciphersuite: MlsCiphersuite;
  readonly signatureKey: Uint8Array;
  /** Seconds since 1970-01-01 UTC. */
  readonly notBeforeSec: number;
  readonly notAfterSec: number;
  readonly lastResort: boolean;
  /** KeyPackageRef (RFC 9420 §5.2). */
  readonly ref: Uint8Array;
}

/** A KeyPackage whose leaf is the device that it says, now. */
export interface VerifiedKeyPackage {
  readonly [opaque]: "verified KeyPackage";
  readonly member: MlsClient & { readonly signatureKey: Uint8Array };
}

/** A fresh KeyPackage with its secrets. */
export interface NewKeyPackage {
  /** An MLSMessage. */
  readonly keyPackage: Uint8Array;
  readonly ref: Uint8Array;
  /** Private init and encryption keys, to be kept in the vault until a Welcome uses them. */
  readonly secrets: Uint8Array;
}

/** One device's state in one epoch of a group. */
export interface MlsGroup {
  readonly [opaque]: "group";
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly ciphersuite: MlsCiphersuite;
  readonly ownLeafIndex: number;
  /** Every leaf, in order of index. */
  readonly members: readonly MlsMember[];
  /** Content of the GroupContext extension 0xf501; empty when there is none. */
  readonly groupData: Uint8Array;
}

/** What a Commit changes, before anybody has agreed to it. */
export interface StagedCommit {
  readonly [opaque]: "staged Commit";
  readonly sender: MlsMember;
  /** With the leaf indices that they get. */
  readonly added: readonly MlsMember[];
  readonly removed: readonly MlsMember[];
  /** undefined: unchanged. */
  readonly groupData: Uint8Array | undefined;
  /** Whether it removes this device; then there is no next state. */
  readonly removesSelf: boolean;
  readonly epoch: number;
}

/** A Commit of our own, to be sent. `next` takes effect when the delivery service took it. */
export interface NewCommit {
  /** An MLSMessage with a PrivateMessage. */
  readonly commit: Uint8Array;
  /** One MLSMessage with a Welcome for each KeyPackage that was added, in that order, holding the secrets of that one alone. */
  readonly welcomes: readonly Uint8Array[];
  /** The ratchet tree of the next epoch, which joiners need beside their Welcome; empty when nobody joins. */
  readonly tree: Uint8Array;
  readonly next: MlsGroup;
  /** The present epoch's state, its handshake ratchet moved on, in case another Commit must be made in this epoch. */
  readonly group: MlsGroup;
  readonly delta: MlsDelta;
}

/** A message of the group, opened. */
export type Unprotected =
  | {
      readonly type: "application";
      readonly sender: MlsMember;
      readonly plaintext: Uint8Array;
      readonly group: MlsGroup;
      readonly delta: MlsDelta;
    }
  | { readonly type: "commit"; readonly commit: StagedCommit }
  /** One's own, with one's signature: whoever made it has its state, and does not read it. */
  | { readonly type: "own-commit" };

/**
 * One record of an epoch's secret tree: the ratchets of the leaf with index `id`, and what else was derived with them. About a kilobyte.
 * A record replaces the earlier one of the same id, which must not remain anywhere: it opens messages again.
 */
export interface MlsSecretRecord {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** The records that one message changed: one, or two the first time that a leaf sends in an epoch. */
export type MlsDelta = readonly MlsSecretRecord[];

/**
 * A state as it lies on disk. `base` is large (the ratchet tree), does not change within an epoch, and opens no message; it holds the
 * private keys of this device's path and the epoch's secrets. `secrets` are few and small in a new epoch: one record of 100 bytes.
 */
export interface MlsSnapshot {
  readonly base: Uint8Array;
  readonly secrets: readonly MlsSecretRecord[];
}

/** What a Welcome says before the ratchet tree is at hand. */
export interface OpenedWelcome {
  readonly [opaque]: "opened Welcome";
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly ciphersuite: MlsCiphersuite;
}

/**
 * The engine. Methods throw CryptoError (`decryption_failed`, `signature_invalid`, `key_invalid`), CodecError (`malformed`, `too_large`) or
 * ValidationError (`mls_invalid`, with the id of the check in its message), and then nothing has changed.
 */
export interface MlsEngine {
  /** @param lastResort marks it as one that may be used more than once (RFC 9420 §16.8). */
  createKeyPackage(options: {
    readonly ciphersuite: MlsCiphersuite;
    readonly client: MlsClient;
    readonly signatureKey: Ed25519KeyPair;
    readonly notBeforeSec: number;
    readonly notAfterSec: number;
    readonly lastResort: boolean;
  }): Promise<NewKeyPackage>;

  /** Decodes and checks everything that can be seen in it alone. */
  readKeyPackage(keyPackage: Uint8Array): Promise<UnverifiedKeyPackage>;

  /**
   * Accepts a KeyPackage for a device as its account's list has it.
   * @throws ValidationError `mls_invalid` when client, key, ciphersuite or lifetime do not fit.
   */
  verifyKeyPackage(
    keyPackage: UnverifiedKeyPackage,
    expected: MlsClient & { readonly signatureKey: Uint8Array; readonly ciphersuite: MlsCiphersuite },
    nowSec: number,
  ): VerifiedKeyPackage;

  /** A group of one, in epoch 0. */
  createGroup(options: {
    readonly groupId: Uint8Array;
    readonly ciphersuite: MlsCiphersuite;
    readonly client: MlsClient;
    readonly signatureKey: Ed25519KeyPair;
    readonly groupData: Uint8Array;
    readonly nowSec: number;
  }): Promise<MlsGroup>;

  /** Makes a Commit with an UpdatePath, always: so every Commit heals, and removed members are shut out. */
  commit(
    group: MlsGroup,
    changes: {
      readonly add?: readonly VerifiedKeyPackage[];
      /** Leaf indices. */
      readonly remove?: readonly number[];
      readonly groupData?: Uint8Array;
    },
  ): Promise<NewCommit>;

  /** Encrypts application data, padded by Padmé. `message` is an MLSMessage. */
  protect(
    group: MlsGroup,
    plaintext: Uint8Array,
  ): Promise<{ readonly message: Uint8Array; readonly group: MlsGroup; readonly delta: MlsDelta }>;

  /** Opens a message of the group's present epoch. Throws ValidationError `message_replayed` for a generation that was used. */
  unprotect(group: MlsGroup, message: Uint8Array): Promise<Unprotected>;

  /** How many messages of this epoch each sender numbered below the newest that was opened, and that never came. */
  missed(group: MlsGroup): readonly { readonly leafIndex: number; readonly count: number }[];

  /**
   * The state after a Commit, once the caller has checked members and policy.
   * @throws ValidationError `mls_invalid` when the Commit removes this device.
   */
  applyCommit(commit: StagedCommit): MlsGroup;

  /** MLS exporter (RFC 9420 §8.5). */
  exportSecret(group: MlsGroup, label: string, context: Uint8Array, length: number): Promise<Uint8Array>;

  /** Which KeyPackage a Welcome is for: its ref. */
  welcomeRef(welcome: Uint8Array): Uint8Array;

  /** Opens a Welcome with the secrets of the KeyPackage that it is for. */
  openWelcome(
    welcome: Uint8Array,
    keyPackage: { readonly keyPackage: Uint8Array; readonly secrets: Uint8Array },
    signatureKey: Ed25519KeyPair,
  ): Promise<OpenedWelcome>;

  /** Joins, once the ratchet tree is at hand. The caller still checks members and policy before it keeps the group. */
  join(
    welcome: OpenedWelcome,
    tree: Uint8Array,
    nowSec: number,
  ): Promise<{ group: MlsGroup; sender: MlsMember }>;

  /** The whole state. Holds every secret but the signature key. */
  snapshot(group: MlsGroup): MlsSnapshot;

  /**
   * The state that a base and the newest record of each id describe.
   * @throws StorageError `vault_damaged`.
   */
  restore(snapshot: MlsSnapshot, signatureKey: Ed25519KeyPair): Promise<MlsGroup>;
}
