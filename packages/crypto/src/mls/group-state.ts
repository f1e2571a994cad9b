/**
 * What is behind the handles that callers hold: the library's values, found by the handle's identity. What is the same for all states of
 * one epoch (members, encoded parts) is shared by them and made when first asked for.
 */
import { InternalError } from "@sotto/protocol";
import type { ClientConfig } from "ts-mls/clientConfig.js";
import type { ClientState } from "ts-mls/clientState.js";
import type { GroupContext } from "ts-mls/groupContext.js";
import type { KeySchedule } from "ts-mls/keySchedule.js";
import type { PrivateKeyPath } from "ts-mls/privateKeyPath.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { groupDataOf, memberAt, membersOf } from "./identity.ts";
import { MLS_LIMITS } from "./limits.ts";
import type { SuiteImpl } from "./ciphersuite.ts";
import type { MlsCiphersuite, MlsGroup, MlsMember } from "./port.ts";
import type { MlsPrimitives } from "./provider.ts";
import type { SecretRecords } from "./secret-tree.ts";

/** A ciphersuite with its primitives, made once for an engine. */
export interface Suite {
  readonly name: MlsCiphersuite;
  readonly impl: SuiteImpl;
  readonly primitives: MlsPrimitives;
}

/** What does not change within an epoch. */
export interface Epoch {
  readonly suite: Suite;
  readonly groupContext: GroupContext;
  readonly keySchedule: KeySchedule;
  readonly tree: RatchetTree;
  readonly privatePath: PrivateKeyPath;
  readonly signaturePrivateKey: Uint8Array;
  readonly confirmationTag: Uint8Array;
}

/** The whole state. */
export interface GroupState {
  readonly epoch: Epoch;
  readonly secrets: SecretRecords;
}

const clientConfig: ClientConfig = {
  // Whoever calls judges credentials and lifetimes: the engine has neither device lists nor a clock.
  authService: { validateCredential: async () => true },
  lifetimeConfig: {
    maximumTotalLifetime: BigInt(MLS_LIMITS.maxLifetimeSec),
    validateLifetimeOnReceive: false,
  },
  keyPackageEqualityConfig: {
    compareKeyPackages: () => false,
    compareKeyPackageToLeafNode: () => false,
  },
  paddingConfig: { kind: "padUntilLength", padUntilLength: 0 },
  keyRetentionConfig: {
    retainKeysForEpochs: 0,
    retainKeysForGenerations: MLS_LIMITS.keptGenerations,
    maximumForwardRatchetSteps: MLS_LIMITS.maxForwardSteps,
  },
};

/** An epoch as the library's functions take it. They see neither its secret tree nor earlier epochs. */
export function asClientState(epoch: Epoch): ClientState {
  return {
    groupContext: epoch.groupContext,
    keySchedule: epoch.keySchedule,
    secretTree: [],
    ratchetTree: epoch.tree,
    privatePath: epoch.privatePath,
    signaturePrivateKey: epoch.signaturePrivateKey,
    unappliedProposals: {},
    confirmationTag: epoch.confirmationTag,
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig,
  };
}

const memberLists = new WeakMap<Epoch, readonly MlsMember[]>();
const senders = new WeakMap<Epoch, Map<number, MlsMember>>();

class Group {
  readonly #state: GroupState;
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly ciphersuite: MlsCiphersuite;
  readonly ownLeafIndex: number;
  readonly groupData: Uint8Array;

  constructor(state: GroupState) {
    const { groupContext, suite, privatePath } = state.epoch;
    this.groupId = groupContext.groupId;
    this.epoch = Number(groupContext.epoch);
    this.ciphersuite = suite.name;
    this.ownLeafIndex = privatePath.leafIndex;
    this.groupData = groupDataOf(groupContext.extensions);
    this.#state = state;
  }
  get members(): readonly MlsMember[] {
    return membersIn(this.#state.epoch);
  }
  static stateOf(group: object): GroupState | undefined {
    return #state in group ? group.#state : undefined;
  }
}

/** The members of an epoch, listed once. */
function membersIn(epoch: Epoch): readonly MlsMember[] {
  const known = memberLists.get(epoch);
  if (known !== undefined) return known;
  const members = membersOf(epoch.tree);
  memberLists.set(epoch, members);
  return members;
}

/** The member at a leaf, read once for an epoch; undefined for a blank. */
export function senderAt(epoch: Epoch, leafIndex: number): MlsMember | undefined {
  let known = senders.get(epoch);
  if (known === undefined) senders.set(epoch, (known = new Map()));
  const sender = known.get(leafIndex) ?? memberAt(epoch.tree, leafIndex);
  if (sender !== undefined) known.set(leafIndex, sender);
  return sender;
}

/** A handle for a state. */
export function groupOf(state: GroupState): MlsGroup {
  return new Group(state) as unknown as MlsGroup;
}

/** The state behind a handle. */
export function stateOf(group: object): GroupState {
  return found(Group.stateOf(group));
}

/** What lies behind a handle. @throws InternalError `internal` when the handle is not the engine's. */
export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new InternalError("internal", "not a handle of this engine");
  return value;
}

/** How many leaves a tree has, blanks among them. */
export function leafCount(tree: RatchetTree): number {
  return (tree.length + 1) / 2;
}
