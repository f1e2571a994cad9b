/**
 * What the vault holds: the shape of each record and list, and its name. Ids in names and records are hexadecimal; times are
 * seconds since 1970-01-01 UTC unless a name says otherwise.
 */
import type { Ed25519KeyPair, KemKeyPair } from "@sotto/crypto";
import type { AttachmentRecord } from "./attachments/records.ts";
import type { MessageStatus, Notice, Settings } from "../api.ts";
import type { Decided } from "./decisions.ts";
import type { KeptOffer } from "./devices/history-import.ts";
import type { HistoryAwaited } from "./devices/history-wanted.ts";
import type { LinkJob } from "./devices/let-in.ts";
import type { SearchSegment } from "./search/segment.ts";
import type { ListName, RecordName } from "./vault-store.ts";

/** One RSA pair of this device. Revoked ones are not kept. */
export interface OwnClassicKey {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  /** 0 while in use. */
  readonly retiredAt: number;
}

/** This account on this device, with every secret that it needs. */
export interface OwnAccount {
  /** pending: the keys are made, and whether the server knows them is not known yet. */
  readonly status: "pending" | "registered";
  readonly identifier: string;
  readonly account: string;
  readonly device: string;
  readonly inbox: string;
  readonly serverOrigin: string;
  readonly serverPublicKey: Uint8Array;
  readonly serverFingerprint: Uint8Array;
  readonly identityKey: Ed25519KeyPair;
  readonly deviceKey: Ed25519KeyPair;
  /** X25519: what others leave in the inbox is sealed to it. */
  readonly inboxKey: KemKeyPair;
  /** The newest last; never empty. */
  readonly classicKeys: readonly OwnClassicKey[];
  /** What the account's backup is sealed with, 32 bytes; derived from the recovery key. */
  readonly backupKey: Uint8Array;
  /** The next version of the own device list, until the server has it. */
  readonly proposal?: DeviceListProposal;
}

/** A change of the account's own device list. */
export type ListChange =
  | { readonly type: "classic-key"; readonly newKey: OwnClassicKey; readonly oldKeys: "retired" | "revoked" }
  /** A serialized Device, without its times. */
  | { readonly type: "add-device"; readonly device: Uint8Array }
  | { readonly type: "revoke-device"; readonly device: string }
  | { readonly type: "identity"; readonly next: Ed25519KeyPair };

/** A device list on its way to the server, and what takes effect with it. */
export interface DeviceListProposal {
  /** A serialized SignedDeviceList. */
  readonly deviceList: Uint8Array;
  readonly change: ListChange;
  readonly at: number;
}

/** Somebody one writes with, and the conversation with them. */
export interface ContactRecord {
  readonly id: string;
  /** Typed by the user, or proven by a lookup. */
  readonly identifier?: string;
  /** Unknown until the identifier was looked up. */
  readonly account?: string;
  /** Accounts that the identifier led to before. */
  readonly formerAccounts?: readonly string[];
  /** An account that the identifier leads to now instead of `account`: sending is blocked until it is acknowledged. */
  readonly successor?: string;
  /** The identity key that sending is allowed with. */
  readonly acceptedKey?: Uint8Array;
  /** The newest identity key that the user was told about. */
  readonly shownKey?: Uint8Array;
  /** While sending is blocked: the account and key whose safety number was last shown. */
  readonly compared?: { readonly account: string; readonly identityKey: Uint8Array };
  readonly verified: boolean;
  /** Lists of messages, the one in use first; others came with contacts that turned out to be the same person. */
  readonly conversations: readonly string[];
  readonly unread: number;
  readonly decided?: Decided;
  /** What they call themselves. */
  readonly named?: NameRecord;
  /** Our own name, as it was last told to them. */
  readonly toldName?: string;
  /** Absent or empty: none. */
  readonly draft?: string;
  readonly last?: MessagePlace | undefined;
  /** How long texts are to be kept, in seconds, until there is a group that says so. */
  readonly timer?: number;
  /** A claimed identifier that a lookup did not confirm; it is not asked for again. */
  readonly refutedClaim?: string;
  /** Its place in the list of contacts. */
  readonly listed: number;
}

/** What somebody calls themselves; empty: nothing any more. */
export interface NameRecord {
  readonly name: string;
  readonly changedAtMs: number;
}

/** Where a message lies. */
export interface MessagePlace {
  readonly conversation: string;
  readonly order: number;
}

/** Where a message of somebody lies. */
export interface NamedPlace extends MessagePlace {
  readonly account: string;
}

/** What is pinned of somebody's account. */
export interface DirectoryRecord {
  /** The newest checked version: a serialized SignedDeviceList. */
  readonly deviceList: Uint8Array;
  /** Every identity key that the account had, the present one last. */
  readonly identityHistory: readonly Uint8Array[];
  readonly refreshedAtMs: number;
}

/** What a message is known by: ids are unique for each sender. */
export interface MessageName {
  readonly account: string;
  readonly id: string;
}

/** When something was said, and by which Content: all devices agree which of two came last. */
export interface Stamp {
  readonly atMs: number;
  readonly id: string;
}

/** What an account thinks of a message. `emoji`: empty when it was taken back. */
export interface ReactionRecord extends Stamp {
  readonly account: string;
  readonly emoji: string;
}

/** A message as it is kept. */
export interface MessageRecord {
  readonly id: string;
  readonly direction: "in" | "out";
  readonly body: string;
  readonly status: MessageStatus;
  readonly sentAt: number;
  readonly problem?: string;
  /** Absent: classic. */
  readonly suite?: "mls";
  /** Only under MLS: the account that sent it. */
  readonly sender?: string;
  /** Only of incoming ones: which device sent it, and SHA-256 of its signature, for receipts. */
  readonly senderDevice?: string;
  readonly signatureHash?: Uint8Array;
  /** Absent: a text. */
  readonly kind?: "timer" | "unknown";
  /** Of the kind `timer`: how long texts are kept from then on, in seconds. */
  readonly timer?: number;
  /** Files that came with it, or go. */
  readonly attachments?: readonly AttachmentRecord[];
  /** What it answers. `excerpt`: only of a message that was never here. */
  readonly replyTo?: MessageName & { readonly excerpt?: string };
  readonly forwarded?: true;
  readonly edited?: Stamp;
  /** Taken back: nothing of what it said is left. */
  readonly deleted?: true;
  /** One of each account, those that were taken back among them; the newest last. */
  readonly reactions?: readonly ReactionRecord[];
  readonly expiresAfterSec?: number;
  /** When it is removed; absent while its time does not run. */
  readonly expiresAt?: number;
}

/** A change of a message. Its own account alone edits and deletes it. */
export type MessageChange = {
  readonly target: MessageName;
  readonly by: string;
  readonly stamp: Stamp;
} & (
  | { readonly type: "reaction"; readonly emoji: string }
  | { readonly type: "edit"; readonly text: string }
  | { readonly type: "delete" }
);

/** A change of a message that did not come yet. */
export interface EarlyChange {
  /** Where it was said. */
  readonly conversation: string;
  readonly change: MessageChange;
  readonly receivedAtMs: number;
}

/** What waits to be sent: a text, or a receipt. In order for each contact. */
export interface OutboxItem {
  readonly contact: string;
  readonly content:
    | { readonly type: "text"; readonly place: MessagePlace; readonly id: string; readonly sentAt: number }
    | {
        readonly type: "receipt";
        readonly status: "delivered" | "read";
        readonly of: readonly Uint8Array[];
        readonly device: string;
        readonly sentAt: number;
      };
  /** Absent until it was encrypted. */
  readonly copies?: readonly OutboxCopy[];
}

/** A message as encrypted for one device. */
export interface OutboxCopy {
  readonly device: string;
  /** Log to append to. */
  readonly inbox: string;
  /** The RSA key it is encrypted to. */
  readonly key: Uint8Array;
  readonly n: number;
  /** The six-member JSON. */
  readonly envelope: string;
  readonly taken: boolean;
}

/** Which message, and whose device, a sent copy was for: a receipt must come from there. */
export interface SentCopy {
  readonly place: MessagePlace;
  readonly account: string;
  readonly device: string;
}

/** An entry that waits for a lookup of its sender. */
export interface HeldEntry {
  readonly seq: number;
  /** The six-member JSON as it came. */
  readonly classic: string;
  /** The account that claims to have sent it. */
  readonly account: string;
  readonly receivedAtMs: number;
  /** Whether an entry of that seq was taken in before: a refusal then was told already. */
  readonly again: boolean;
  /** Whether it was told that it waits for its time. */
  readonly told?: boolean;
}

/** What was counted of one sending device. */
export interface GapRecord {
  readonly highest: number;
  /** Inclusive ranges below `highest` that are missing, ascending. */
  readonly missing: readonly (readonly [number, number])[];
}

const record = <T>(name: string): RecordName<T> => ({ record: name });
const list = <T>(name: string): ListName<T> => ({ list: name });

export const names = {
  own: record<OwnAccount>("own"),
  settings: record<Settings>("settings"),
  /** What the account's owner calls themselves. */
  profile: record<NameRecord>("profile"),
  /** The greatest order given out to an item of any list. */
  lastOrder: record<number>("last-order"),
  /** The seq up to which the own inbox was taken in. */
  cursor: record<number>("cursor"),
  /** SHA-256 of the sealed items that came last, by seq. */
  sealedItems: list<Uint8Array>("sealed-items"),
  contactOfIdentifier: (identifier: string) => record<string>(`identifier/${identifier}`),
  contactOfAccount: (account: string) => record<string>(`account/${account}`),
  directory: (account: string) => record<DirectoryRecord>(`directory/${account}`),
  envelopes: ({ conversation, order }: MessagePlace) =>
    record<readonly string[]>(`envelopes/${conversation}/${order}`),
  /** Which contact a list of messages belongs to now. */
  contactOfConversation: (conversation: string) => record<string>(`conversation/${conversation}`),
  /** Where the messages of an id lie, or lay before they were removed: one of each sender. See message-names.ts. */
  placesOf: (id: string) => record<readonly NamedPlace[]>(`message/${id}`),
  /** Messages that hold an excerpt of one that was never here. */
  quotesOf: ({ account, id }: MessageName) => record<readonly MessagePlace[]>(`quotes/${account}/${id}`),
  /** Messages whose time runs; the order begins with when it is over. See expiry.ts. */
  expiring: list<MessagePlace>("expiring"),
  /** Changes of messages that did not come yet. */
  earlyChanges: list<EarlyChange>("early-changes"),
  /** A message that another device deleted, with all before it, and that has not come here yet. */
  deletedAhead: (account: string, id: string) => record<true>(`deleted-ahead/${account}/${id}`),
  sentCopy: (signatureHash: string) => record<SentCopy>(`copy/${signatureHash}`),
  lastSentN: (account: string, device: string) => record<number>(`sent-n/${account}/${device}`),
  gaps: (account: string, device: string) => record<GapRecord>(`gaps/${account}/${device}`),
  /** Signatures seen of messages dated in one period of 30 days; the order comes from the signature's hash. */
  seen: (period: number) => list<string>(`seen/${period}`),
  /** Everybody, in the order in which this device met them: a contact's id is its order. */
  contacts: list<ContactRecord>("contacts"),
  messages: (conversation: string) => list<MessageRecord>(`messages/${conversation}`),
  /** Conversations of incoming messages that were not shown; the order is the message's. */
  unshown: list<string>("unshown"),
  /** The same of one conversation. */
  unshownIn: (conversation: string) => list<true>(`unshown/${conversation}`),
  /** The recovery key as its owner keeps it, on the device that was made or brought back with it: `backupKey` comes from it. */
  recoveryKey: record<string>("recovery-key"),
  /** SHA-256 of the content of the backup that the server has. */
  backupHash: record<Uint8Array>("backup-hash"),
  /** Parts of the history that a linked device has yet to fetch. */
  historyOffers: list<KeptOffer>("history-offers"),
  /** What was told of a group that this linked device is not in yet: serialized HistoryMessages. */
  keptHistory: (group: string) => list<Uint8Array>(`kept-history/${group}`),
  /** Devices that were linked from here, and that have yet to be let into the groups and told the history. */
  linkJobs: list<LinkJob>("link-jobs"),
  /** When a device was let in from here, in milliseconds since 1970. */
  letIn: (device: string) => record<number>(`let-in/${device}`),
  /** On a linked device: which parts of the history it was offered. */
  historyAwaited: record<HistoryAwaited>("history-awaited"),
  /** A link that was approved here, by its id in hexadecimal: its device is on the list because of it. Seconds since 1970. */
  linkApproved: (linkId: string) => record<number>(`link-approved/${linkId}`),
  /** The index of words: see search/state.ts. */
  searchState: record<{ readonly version: number }>("search"),
  searchSegments: list<SearchSegment>("search/segments"),
  searchPending: list<readonly MessagePlace[]>("search/pending"),
  outbox: list<OutboxItem>("outbox"),
  held: list<HeldEntry>("held"),
  notices: list<Notice>("notices"),
  /** It was told that the account was deleted. */
  deletedTold: record<true>("deleted-told"),
} as const;
