/**
 * What the vault holds of MLS groups: one record per group, its state of this epoch in parts, what waits to be sent in it, and changes
 * that wait to be committed. Ids are hexadecimal.
 */
import type { MlsCiphersuite, MlsSnapshot } from "@sotto/crypto";
import type { ListName, RecordName } from "../vault-store.ts";
import type { Decided } from "../decisions.ts";
import type { Invite } from "./data.ts";
import type { MessageName, MessagePlace, Stamp } from "../records.ts";

/** pair: two people with all their devices. account: the devices of one account. */
export type GroupKind = "pair" | "group" | "account";

/**
 * creating: the server does not have its log yet. joined: in use. healing: our state of it is of no use, and others were asked to add us
 * anew. left, removed, replaced: kept for its messages only.
 */
type GroupState = "creating" | "joined" | "healing" | "left" | "removed" | "replaced";

/** A group as this device knows it. */
export interface GroupRecord {
  /** The log's id, which is the MLS group id. */
  readonly id: string;
  readonly kind: GroupKind;
  readonly state: GroupState;
  /** The list of messages: a contact's conversation for pairs, one of its own otherwise. */
  readonly conversation: string;
  readonly ciphersuite: MlsCiphersuite;
  readonly epoch: number;
  /** The access token of the epoch, 32 bytes. */
  readonly token: Uint8Array;
  /** Our reader slot in the log, and the seq up to which it was taken in. */
  readonly slot: string;
  readonly cursor: number;
  /** Content of the GroupContext extension: a serialized GroupData. */
  readonly data: Uint8Array;
  /** Accounts with a leaf; kept so that overviews need no MLS state. */
  readonly accounts: readonly string[];
  /** Its place in the list of groups. */
  readonly listed: number;
  /** What is left to do for those who were added, in order. */
  readonly tasks: readonly GroupTask[];
  /** When our leaf is to be updated, and how many messages this device sent since the last time. */
  readonly updateDueAtMs: number;
  readonly sentSinceUpdate: number;
  /** SHA-256 of entries of this epoch that the server has from us, and that were not read back yet. */
  readonly ownSent: readonly string[];
  readonly unread: number;
  readonly last?: MessagePlace | undefined;
  readonly decided?: Decided;
  /** Our own name, as it was last told there; absent when somebody came since. */
  readonly toldName?: string | undefined;
  /** Absent or empty: none. */
  readonly draft?: string;
  /** Its history was deleted: it is not shown unless it is in use. */
  readonly deleted?: boolean;
  /** It was declined, and is being left: neither it nor its messages are shown. */
  readonly declined?: boolean;
  /** The account that let this one in, unless that was a device of its own. */
  readonly invitedBy?: string | undefined;
  /**
   * This account left while a Commit of this device was under way that adds people: it goes once that is decided ("commit"), or, where they
   * are in it now, once those were told as well ("told").
   */
  readonly leavesAfter?: "commit" | "told" | undefined;
  /** Accounts that said that they leave, until somebody has removed them. */
  readonly leaving?: readonly string[];
  /** Accounts that were removed, or left, while this device was in it, and did not come back; the newest of them. */
  readonly gone?: readonly string[];
  /** The epoch in which people or data changed last, or in which this device came in. */
  readonly changedAt?: number;
  /** Why our state was given up; while healing. */
  readonly lost?: Loss | undefined;
  /** It was lost, and others said that this account is out of it: its log may be over, so no later epoch of it says so. */
  readonly toldOut?: boolean;
  /** The group that took its place, once it is replaced. */
  readonly successor?: string | undefined;
  /** When it took the place of another here. */
  readonly tookPlaceAtMs?: number;
  /** With a group that we made in the place of another: whom it is without only since nobody could be reached of theirs. */
  readonly missing?: readonly string[];
  /** With the same: who was in the other and is not to be in this one. */
  readonly without?: readonly string[];
  /** Too much of the log does not open: others are to be asked to add us anew, while our state goes on being used. */
  readonly doubted?: boolean;
  /** Of the history that another device told, some waits until its log was read. */
  readonly keptHistory?: boolean;
  /** When others were last asked to add us anew. */
  readonly askedRejoinAtMs?: number;
}

/** How a device came to have no state of a group any more. */
export interface Loss {
  /**
   * own: the fault may be ours. commit: the log's next Commit cannot be taken in, or takes this device out and adds it anew. log: the log
   * does not know our epoch, or is gone.
   */
  readonly why: "own" | "commit" | "log";
  readonly atMs: number;
  /** With commit, when it cannot be taken in: SHA-256 of the entry's body. */
  readonly refused?: Uint8Array;
  /** With commit: who signed it, when by the group's own state nobody may send it. */
  readonly by?: string;
  /** Another device is known to have lost it in the same way: the log is over for all. */
  readonly shared?: boolean;
  /** Devices that asked to be let in since: they have lost it as well, however that came. */
  readonly askers?: readonly string[];
  /** Unless a Commit ended it for all: the greatest epoch that others who lost it say they had. */
  readonly latest?: number;
  /** The greatest epoch that those who left it meanwhile name: it had come so far. */
  readonly leftBy?: number;
  /** Nothing is missing, and nobody is told. */
  readonly silent?: boolean;
}

/** One thing to do with the server, repeated until it is done; each can be repeated safely. */
export type GroupTask =
  | { readonly type: "create-log"; readonly epoch: number; readonly tokenHash: Uint8Array }
  | { readonly type: "open-slot"; readonly slot: string; readonly afterSeq: number }
  /** Makes a side log that holds the pieces kept under its id. */
  | {
      readonly type: "side-log";
      readonly log: string;
      readonly token: Uint8Array;
      /** Never acked, so that what lies there stays for whoever comes late. */
      readonly keeper: string;
    }
  /** Leaves something in an inbox. */
  | {
      readonly type: "inbox";
      readonly inbox: string;
      readonly item: Uint8Array;
      /** A person waits for it: their device is woken. */
      readonly wakes?: true;
    };

/** A Commit of ours, until the log says whether it won. */
export interface PendingCommit {
  /** The epoch that it ends. */
  readonly epoch: number;
  /** The body of the entry. */
  readonly body: Uint8Array;
  /** The state that follows. */
  readonly next: MlsSnapshot;
  readonly nextToken: Uint8Array;
  readonly joiners: readonly Joiner[];
  /** Serialized ratchet tree, when somebody joins. */
  readonly tree: Uint8Array;
  /** Orders of the intents that it carries out. */
  readonly intents: readonly number[];
  /** What is to be done once it won, beside Welcomes. */
  readonly tasks?: readonly GroupTask[];
}

/** Somebody who joins with a Commit. */
export interface Joiner {
  readonly inbox: string;
  readonly inboxKey: Uint8Array;
  readonly slot: string;
  readonly welcome: Uint8Array;
}

/** A change that somebody asked for on this device, until a Commit carried it out. */
export type Intent =
  /** unlessGone: nobody here asked for it, and whoever was removed since, or left, stays out. */
  | { readonly type: "add"; readonly accounts: readonly string[]; readonly unlessGone?: true }
  | { readonly type: "remove"; readonly accounts: readonly string[] }
  | { readonly type: "rename"; readonly name: string }
  | { readonly type: "timer"; readonly seconds: number }
  /** Empty: none. */
  | { readonly type: "picture"; readonly sha256: string }
  | { readonly type: "invite"; readonly invite: Invite }
  | { readonly type: "revoke-invite"; readonly secret: string }
  | { readonly type: "admins"; readonly accounts: readonly string[]; readonly admin: boolean }
  | { readonly type: "rejoin"; readonly account: string; readonly device: string }
  | { readonly type: "update" };

/** What waits to be sent in a conversation that MLS protects. */
export interface MlsItem {
  readonly content:
    | {
        readonly type: "text";
        readonly id: string;
        readonly place: MessagePlace;
        readonly sentAtMs: number;
      }
    | {
        readonly type: "receipt";
        readonly status: "delivered" | "read";
        readonly ids: readonly string[];
      }
    | { readonly type: "leave" }
    /** The group's picture, if it has that one still. */
    | { readonly type: "group-picture"; readonly sha256: string }
    /** Whoever asked by a link is not let in. */
    | { readonly type: "join-refused"; readonly request: string }
    /** The account's own name, as it is at the time. */
    | { readonly type: "profile" }
    | {
        readonly type: "reaction";
        readonly target: MessageName;
        readonly emoji: string;
        readonly stamp: Stamp;
      }
    /** The text is the message's own at the time. */
    | { readonly type: "edit"; readonly target: MessageName; readonly stamp: Stamp }
    | { readonly type: "delete"; readonly target: MessageName; readonly stamp: Stamp }
    /** For the account's own devices: a serialized AccountSync. */
    | { readonly type: "sync"; readonly sync: Uint8Array };
  /** As it was encrypted last, and for which group and epoch; absent before. */
  readonly sealed?: { readonly group: string; readonly epoch: number; readonly body: Uint8Array };
}

/** When accounts got a message, and read it, as they say, in seconds. */
export type Receipts = Readonly<Record<string, { readonly deliveredAt?: number; readonly readAt?: number }>>;

/** A KeyPackage of this device with its secrets, until a Welcome used it. */
export interface OwnKeyPackage {
  readonly ref: string;
  readonly ciphersuite: MlsCiphersuite;
  readonly keyPackage: Uint8Array;
  readonly secrets: Uint8Array;
  readonly lastResort: boolean;
  /** Seconds since 1970-01-01 UTC. */
  readonly notAfterSec: number;
}

/** Something from the inbox that was opened, and waits for lookups, a tree or another device. */
export interface HeldItem {
  readonly seq: number;
  /** A serialized SealedContent. */
  readonly content: Uint8Array;
  readonly receivedAtMs: number;
}

const record = <T>(name: string): RecordName<T> => ({ record: name });
const list = <T>(name: string): ListName<T> => ({ list: name });

export const groupNames = {
  /** Ids of all groups. */
  groups: list<string>("groups"),
  group: (id: string) => record<GroupRecord>(`group/${id}`),
  /** What another device decided about a group that this one has not joined yet. */
  decidedAhead: (id: string) => record<Decided>(`decided-ahead/${id}`),
  /** A group's picture, by its list of messages and SHA-256. */
  picture: (conversation: string, sha256: string) =>
    record<Uint8Array>(`group-picture/${conversation}/${sha256}`),
  groupOfConversation: (conversation: string) => record<string>(`group-of/${conversation}`),
  state: (id: string) => record<Uint8Array>(`group-state/${id}`),
  secrets: (id: string) => list<Uint8Array>(`group-secrets/${id}`),
  pending: (id: string) => record<PendingCommit>(`group-pending/${id}`),
  intents: (id: string) => list<Intent>(`group-intents/${id}`),
  /** What a side log is to hold, until the server has it. */
  pieces: (log: string) => list<Uint8Array>(`side-log/${log}`),
  /** Conversations with something in their outbox. */
  outbox: (conversation: string) => list<MlsItem>(`mls-outbox/${conversation}`),
  outboxes: list<string>("mls-outboxes"),
  outboxOf: (conversation: string) => record<number>(`mls-outbox-of/${conversation}`),
  keyPackages: list<OwnKeyPackage>("key-packages"),
  keyPackageOf: (ref: string) => record<number>(`key-package/${ref}`),
  heldItems: list<HeldItem>("held-items"),
  /** To which logs we asked to be added anew lately, since a Welcome was for a KeyPackage that is used up, and when. */
  askedAnew: record<readonly { readonly log: string; readonly atMs: number }[]>("asked-anew"),
  /** A Welcome that a last resort opened, by its SHA-256: when it was taken in, in seconds. */
  usedWelcome: (hash: string) => record<number>(`welcome/${hash}`),
  /** How often a pair or group that was lost was made anew lately, by its conversation, and when the last time. */
  remade: (conversation: string) =>
    record<{ readonly count: number; readonly atMs: number }>(`remade/${conversation}`),
  /** When a device was last added to a group, in seconds: requests from before are answered. */
  rejoined: (id: string, device: string) => record<number>(`group-rejoined/${id}/${device}`),
  /** What accounts said of a message of ours. */
  receipts: (place: MessagePlace) => record<Receipts>(`group-receipts/${place.conversation}/${place.order}`),
} as const;
