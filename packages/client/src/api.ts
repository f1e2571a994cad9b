/**
 * The surface of the SDK: what the terminal, the web app and bots see of the client. Everything here is plain data
 * and promises; the engine behind it is in core/.
 */

import type {
  Attachment,
  AttachmentInput,
  DownloadOptions,
  FileSink,
  FileSource,
  SharedAttachment,
} from "./attachment-api.ts";

import type { SearchOptions, SearchPage } from "./search-api.ts";

export type * from "./attachment-api.ts";
export type * from "./search-api.ts";

/** How a conversation is protected. */
export type Suite = "classic" | "mls";

/** queued (stored here) → sent (the server has it) → delivered (a device of theirs stored it) → read; failed: see `problem`. */
export type MessageStatus = "queued" | "sent" | "delivered" | "read" | "failed" | "received";

/** One message as people see it. */
export interface Message {
  /** Equal at both sides: 32 hexadecimal digits chosen by the sender. */
  readonly id: string;
  readonly direction: "in" | "out";
  /** Identifier of the sender: E.164 or e-mail; an account id in hexadecimal where no identifier is proven. */
  readonly from: string;
  /** What to show beside `from`, where there is something: see Contact.name. */
  readonly fromName?: string;
  /** The peer's identifier, or a group's name. */
  readonly to: string;
  /** Where it belongs: the peer's identifier, or a group's name. */
  readonly conversation: string;
  /** Only in groups: the group's id, 32 hexadecimal digits. */
  readonly groupId?: string;
  readonly suite: Suite;
  readonly body: string;
  /** `received` for incoming ones until they are shown, then `read`. */
  readonly status: MessageStatus;
  /** Seconds since 1970-01-01 UTC, as the sender says. */
  readonly sentAt: number;
  /** Why it failed, as an error code. */
  readonly problem?: string;
  /** The message as it travelled: for classic the six-member JSON text, one per device of the recipient. */
  readonly envelopes?: readonly string[];
  /**
   * What it is when it is no text. `timer`: a line that says how long messages are kept from here on, see `timer`. `unknown`: of a kind
   * that this version does not know. `body` says the same in English, for faces without words of their own.
   */
  readonly kind?: "timer" | "unknown";
  /** Only of the kind `timer`: seconds that messages are kept; 0: for good. */
  readonly timer?: number;
  /** The message that it answers. */
  readonly replyTo?: Quote;
  /** Whoever sent it says that the text comes from another message. */
  readonly forwarded?: true;
  /** When its text was changed last, in seconds since 1970-01-01 UTC, as the sender says. */
  readonly editedAt?: number;
  /** Taken back by who sent it: `body` is empty. */
  readonly deleted?: true;
  /** One of each person, oldest first; absent when there is none. */
  readonly reactions?: readonly Reaction[];
  /** How long it is kept, in seconds: from when it was sent (outgoing), from when it was shown (incoming). Absent: for good. */
  readonly expiresAfter?: number;
  /** When it is deleted here, in seconds since 1970-01-01 UTC; absent while its time does not run. */
  readonly expiresAt?: number;
  /** Files that came with it; `body` is what was written to them, or empty. */
  readonly attachments?: readonly Attachment[];
}

/** A message that another one answers. */
export interface Quote {
  readonly id: string;
  /** Who sent it. */
  readonly from: string;
  /**
   * Its text as it is here now, or else the names of its files; empty when it was deleted. Where this device does not have it: how it begins, as whoever answers says;
   * undefined when nothing is known.
   */
  readonly body: string | undefined;
  /** Whether this device has the message: if not, `body` is the word of whoever quotes it. */
  readonly found: boolean;
}

/** What somebody thinks of a message. */
export interface Reaction {
  /** One emoji. */
  readonly emoji: string;
  /** Identifier, or an account id where no identifier is proven. */
  readonly from: string;
  readonly accountId: string;
  /** Of this account. */
  readonly own: boolean;
  /** Seconds since 1970-01-01 UTC, as the sender says. */
  readonly at: number;
}

/** Who has a message of this account. Times in seconds since 1970-01-01 UTC, as they say; undefined: not known. */
export interface Receipt {
  readonly identifier: string;
  readonly accountId: string;
  readonly delivered: boolean;
  readonly deliveredAt: number | undefined;
  readonly read: boolean;
  readonly readAt: number | undefined;
}

/** Something that people must see, and that is no message. Stored until somebody listens, and told once; `message_replayed` is told only to who listens. */
export type Notice =
  | { readonly type: "gap"; readonly from: string; readonly count: number }
  | { readonly type: "refused"; readonly from: string | undefined; readonly code: string }
  | { readonly type: "identity_changed"; readonly identifier: string }
  | { readonly type: "device_unlisted"; readonly identifier: string }
  /** Who is in a group, or what it is called, changed. `by` and `who` are identifiers. */
  | {
      readonly type: "group_changed";
      readonly group: string;
      readonly groupId: string;
      readonly by: string;
      readonly change:
        | { readonly kind: "joined" | "added" | "removed" | "left"; readonly who: readonly string[] }
        | { readonly kind: "renamed"; readonly name: string }
        | { readonly kind: "picture"; readonly removed: boolean }
        | { readonly kind: "admins" };
    }
  /** Somebody asks to be let into a group by its link: see joinRequests(). */
  | {
      readonly type: "join_requested";
      readonly group: string;
      readonly groupId: string;
      readonly from: string;
    }
  /** This account is not let into a group that it asked for. */
  | { readonly type: "join_answered"; readonly group: string; readonly state: "refused" | "closed" }
  /** Somebody who has the identifier asked to replace this account from that time on; cancelReset() stops it. 0: it was stopped. */
  | { readonly type: "reset_pending"; readonly at: number }
  /** A device was added to this account. */
  | { readonly type: "device_added"; readonly id: string; readonly name: string }
  /** The account was deleted on another of its devices, as its identity key proves. What is stored here stays until the vault is removed. */
  | { readonly type: "account_deleted" }
  /**
   * This device's clock is ahead of the server's by so much, or behind when negative, in milliseconds; 0: it is right again. Messages carry
   * times: they look wrong to others, and under the classic suite wait for their time. The server says it, and might lie.
   */
  | { readonly type: "clock_wrong"; readonly aheadMs: number }
  /**
   * A classic message of somebody is dated ahead of this device's clock: one of the two clocks is wrong. It is kept, and shown at `until`
   * (seconds since 1970-01-01 UTC). Told for the first that waits of each. `code` is `message_from_future`.
   */
  | { readonly type: "held"; readonly from: string; readonly code: string; readonly until: number }
  /** Messages of a conversation that this device will never have: it had lost its state, and was put right. */
  | {
      readonly type: "healed";
      readonly conversation: string;
      /** Absent: nobody can say how many. */ readonly missed?: number;
    };

/** What happens, as it happens. */
export type ClientEvent =
  | { readonly type: "message"; readonly message: Message }
  | {
      readonly type: "status";
      readonly id: string;
      readonly peer: string;
      readonly status: MessageStatus;
      readonly problem?: string;
    }
  /**
   * A message is not what it was: its text, its reactions, taken back by who sent it, when it is deleted; and in groups who has it (in
   * conversations with one person `status` says that).
   */
  | {
      readonly type: "message_changed";
      readonly change: "edited" | "reaction" | "deleted" | "expiry" | "receipt";
      readonly message: Message;
    }
  /** Messages are gone from this device: their time was over, or they were deleted here. */
  | {
      readonly type: "messages_removed";
      readonly conversation: string;
      readonly groupId?: string;
      readonly ids: readonly string[];
    }
  /** So many bytes of an attachment of a message of this account are with the server. */
  | {
      readonly type: "upload";
      readonly id: string;
      readonly index: number;
      readonly done: number;
      readonly total: number;
    }
  /** A message waits for a file that cannot be found any more: see supplyFile(). */
  | { readonly type: "file_needed"; readonly id: string; readonly index: number }
  | { readonly type: "typing"; readonly from: string; readonly groupId?: string }
  /** Something other than its messages changed, here or on another device: look at conversations(). `deleted`: messages went. */
  | {
      readonly type: "conversation";
      readonly peer: string;
      readonly groupId?: string;
      readonly deleted?: boolean;
    }
  /** Who asks to be let into a group is different; without `groupId`: where this account asked itself, see askedJoins(). */
  | { readonly type: "joins"; readonly groupId?: string }
  | { readonly type: "connection"; readonly state: ConnectionState; readonly problem?: string }
  | { readonly type: "notice"; readonly notice: Notice }
  /** On a linked device: a part of the history has come. */
  | { readonly type: "history"; readonly part: number; readonly parts: number };

export type ConnectionState = "offline" | "connecting" | "online";

/** What an account's owner says of themselves to whom they write. */
export interface Profile {
  /** 1 to 64 characters; empty: none. */
  readonly name: string;
}

/** Somebody one writes with. */
export interface Contact {
  readonly identifier: string;
  /** What to show beside the identifier, never in its place: the nickname, else what they call themselves; empty: nothing. */
  readonly name: string;
  /** What they are called on this account's devices; empty: nothing. */
  readonly nickname: string;
  readonly accountId: string;
  readonly verified: boolean;
  /** This account wrote to them, added them to a group, accepted them or verified them: what they send is no request. */
  readonly known: boolean;
  /** Nothing that they send reaches this account but in groups with others; nothing is sent to them. */
  readonly blocked: boolean;
  /** True until a change of identity key is acknowledged: sending is blocked. */
  readonly identityChanged: boolean;
  /** Devices in use. */
  readonly devices: number;
}

/** A group of people. */
export interface Group {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly epoch: number;
  /** joined: in use. left: by oneself. removed: by somebody else. healing: waits to be added anew. */
  readonly state: "joined" | "left" | "removed" | "healing";
  /** Whether this account is an admin. */
  readonly admin: boolean;
  /** People, not devices. */
  readonly members: number;
  /** Names its picture: 64 hexadecimal digits, others when the picture is another; absent: it has none. See groupPicture(). */
  readonly picture?: string;
}

/** A link by which people may ask to be let into a group. */
export interface GroupLink {
  /** 32 hexadecimal digits; no secret. */
  readonly id: string;
  /** An address of the web app. What follows its # never reaches the server, and is for those only who may ask. */
  readonly link: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly expiresAt: number;
}

/** Somebody who asks to be let into a group. */
export interface JoinRequest {
  readonly group: string;
  readonly groupId: string;
  /** An account id where no identifier is proven. */
  readonly identifier: string;
  /** As of contacts: what they call themselves is their word. */
  readonly name: string;
  readonly accountId: string;
  readonly verified: boolean;
  /** Seconds since 1970-01-01 UTC. */
  readonly askedAt: number;
}

/** Where this account asked to be let in. */
export interface AskedJoin {
  /** Of the link. */
  readonly id: string;
  /** What the link calls the group; its name for members. */
  readonly group: string;
  /** Only for members. */
  readonly groupId?: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly askedAt: number;
  readonly expiresAt: number;
  /** waiting: for an admin. refused: by one; asking again makes sense a day later. closed: the link was taken back, or is too old. member: of that group. */
  readonly state: "waiting" | "refused" | "closed" | "member";
}

/** A person in a group. */
export interface GroupMember {
  /** An account id where no identifier is proven. */
  readonly identifier: string;
  /** As of contacts. Empty of oneself. */
  readonly name: string;
  readonly accountId: string;
  readonly role: "admin" | "member";
  readonly verified: boolean;
  /** Devices in the group. */
  readonly devices: number;
  readonly self: boolean;
}

/** The state of things, for people who look for a fault. */
export interface Doctor {
  readonly vault: "open";
  readonly connection: ConnectionState;
  readonly problem: string | undefined;
  /** How far this device's clock is ahead of the server's, in milliseconds; 0: they agree. undefined: not known. */
  readonly clockAheadMs: number | undefined;
  /** Messages and receipts that wait to be sent. */
  readonly queued: number;
  readonly keyPackages: { readonly left: number | undefined };
  /** Devices that were linked from here, and wait for groups and history. */
  readonly linking: number;
  readonly conversations: readonly {
    readonly id: string;
    readonly name: string;
    readonly kind: "pair" | "group" | "account";
    readonly epoch: number;
    readonly members: number;
    readonly state: Group["state"] | "creating";
    /** Changes of this group that wait to be committed. */
    readonly pending: number;
  }[];
}

export interface ConversationSummary {
  /** The peer, or a group's name. */
  readonly peer: string;
  readonly group: Group | undefined;
  /** 0 while it is a request. */
  readonly unread: number;
  readonly last: Message | undefined;
  readonly contact: Contact | undefined;
  /** Somebody who is not known wrote first, or let this account into the group. `unread`: of it alone. acceptRequest() or sending ends it. */
  readonly request: { readonly from: string; readonly unread: number } | undefined;
  readonly pinned: boolean;
  /** A new message brings it back, unless it is muted. */
  readonly archived: boolean;
  /** Marked by the person, whatever `unread` says; markRead() ends it. */
  readonly markedUnread: boolean;
  /** Until when nobody is to be bothered with it, in seconds since 1970-01-01 UTC; 0: not muted. */
  readonly mutedUntil: number;
  /** What was begun on this device; empty: nothing. */
  readonly draft: string;
  /** How long new messages are kept, in seconds; absent: for good. */
  readonly timer?: number;
  /** How many people ask to be let into the group, where this account may do that; absent: nobody. */
  readonly asking?: number;
}

/** What a person decides about a conversation. What is left out stays as it is. */
export interface ConversationChanges {
  readonly pinned?: boolean;
  readonly archived?: boolean;
  readonly markedUnread?: boolean;
  /** Seconds since 1970-01-01 UTC; 0: not muted; Number.MAX_SAFE_INTEGER: for ever. */
  readonly mutedUntil?: number;
  /** At most 65,536 bytes in UTF-8. */
  readonly draft?: string;
}

export interface DeviceSummary {
  readonly id: string;
  /** Empty when it has none, or another device named it and the name cannot be read. */
  readonly name: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly addedAt: number;
  readonly current: boolean;
  readonly revoked: boolean;
}

/** A subscription of the W3C Push API. */
export interface PushTarget {
  /** An https URL. */
  readonly endpoint: string;
  /** An uncompressed point of P-256: 65 bytes. */
  readonly p256dh: Uint8Array;
  /** 16 bytes. */
  readonly auth: Uint8Array;
}

/** A device that asks to be linked. */
export interface LinkRequest {
  /** ABCD-EFGH-JKMN-PQRS, as its screen shows it. */
  readonly code: string;
  /** What it calls itself, and what runs on it: its own words. */
  readonly name: string;
  readonly platform: string;
  /** Where it asked from, as the server saw it. */
  readonly address: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly askedAt: number;
}

/** Which part of a conversation. */
export interface HistoryOptions {
  /** All if absent. */
  readonly limit?: number;
  /** Rows older than the message of that id, the newest of them. */
  readonly before?: string;
  /** Rows newer than the message of that id, the oldest of them. */
  readonly after?: string;
}

/** How a message is sent. */
export interface SendOptions {
  /** MLS if absent. */
  readonly suite?: Suite;
  /** 32 hexadecimal digits, random: sending with an id that was sent before sends nothing, and returns what was sent. */
  readonly id?: string;
  /** Id of the message of this conversation that it answers. */
  readonly replyTo?: string;
  /** Says that the text comes from another message. */
  readonly forwarded?: boolean;
  /** How long it is kept, in seconds; 0: for good. Absent: as the conversation's timer says. */
  readonly expiresAfter?: number;
  /** At most 10. The text may be empty then. */
  readonly attachments?: readonly (AttachmentInput | SharedAttachment)[];
}

/** An account at work on this device. Only one process holds a vault at a time. */
export interface Messenger {
  readonly self: {
    readonly identifier: string;
    readonly accountId: string;
    readonly deviceId: string;
    readonly serverOrigin: string;
    /** 43 characters of base64url. */
    readonly serverFingerprint: string;
  };
  readonly connection: ConnectionState;
  /**
   * Stores the message for sending and returns at once; it goes out when it can, in order per conversation. `to`: a peer, or a group's name
   * or id. Without a suite it is MLS.
   * A message with attachments goes out when all of them were uploaded: what is written after it may arrive before.
   * @throws `identity_changed`, `contact_blocked`, `message_too_large`, `group_ambiguous`, `group_unknown`, `usage`; `suite_unavailable` when the classic suite
   * is asked for what only MLS can carry: answers, forwarded texts, texts that disappear, attachments; of attachments, `too_large`,
   * `file_changed`, `picture_unreadable`.
   */
  send(to: string, body: string, options?: SendOptions): Promise<Message>;
  /**
   * Sends a message that failed once more: it moves to the end of its conversation, under another id, with what it answers and its files.
   * @throws as send(); `usage` for one that has not failed; `file_changed` when its files never reached the server: they are to be chosen anew.
   */
  sendAgain(conversation: string, id: string): Promise<Message>;
  /**
   * Says what this account thinks of a message, in place of what it said before; an empty text takes that back. It goes out like a message,
   * and accepts a request as one does.
   * `conversation`, here and below: a peer, or a group's name or id.
   * @throws `usage` for what is no single emoji, or no message of that conversation; `suite_unavailable` for messages of the classic suite; and
   * as send().
   */
  react(conversation: string, id: string, emoji: string): Promise<Message>;
  /** Changes the text of a message of this account, for everyone. @throws as react(), and `message_too_large`. */
  edit(conversation: string, id: string, body: string): Promise<Message>;
  /**
   * Deletes a message on this device; with `forEveryone`, a message of this account is taken back: everybody's device deletes its text and
   * reactions, and shows that it was deleted. What somebody has read or copied, they have.
   * @throws as react() with `forEveryone`; else `usage`.
   */
  deleteMessage(
    conversation: string,
    id: string,
    options?: { readonly forEveryone?: boolean },
  ): Promise<void>;
  /** As deleteConversation(), but decisions and draft stay, the conversation stays in the list, and a group need not be left. */
  clearConversation(conversation: string): Promise<void>;
  /**
   * How long messages of a conversation are kept from now on, in seconds, at most a year; 0: for good. For both sides, or everybody in a
   * group, where whoever may rename it may do this. Resolves when the change was committed; with a person to whom nothing was written yet, at
   * once. @throws `usage`, `group_forbidden`, `contact_unknown`, `group_unknown`, `group_ambiguous`.
   */
  setTimer(conversation: string, seconds: number): Promise<void>;
  /**
   * Fetches an attachment; goes on by itself after a break. The sink is closed when all of it came and is what its sender sent, and aborted
   * otherwise. @throws `attachment_damaged` when it is anything else; `blob_unknown` when the server does not have it any more; `usage`;
   * `server_unreachable`, `connection_lost`.
   */
  downloadAttachment(
    conversation: string,
    id: string,
    index: number,
    sink: FileSink,
    options?: DownloadOptions,
  ): Promise<void>;
  /** The small picture of an attachment, JPEG or WebP, as it came inside the message; undefined when there is none. @throws `usage`. */
  attachmentThumbnail(conversation: string, id: string, index: number): Promise<Uint8Array | undefined>;
  /** Gives a file again that a message waits for: the same bytes, or the message fails with `file_changed`. @throws `usage`. */
  supplyFile(conversation: string, id: string, index: number, source: FileSource): Promise<void>;
  /** Size of the largest file that the server takes, in bytes; 0: it takes none; undefined: not known before the first connection. */
  largestAttachment(): number | undefined;
  /** One message. @throws `usage` when there is none of that id. */
  message(conversation: string, id: string): Promise<Message>;
  /** Who has a message of this account, and who read it; nobody in groups of more than 32 people, where receipts do not travel. @throws `usage`. */
  receipts(conversation: string, id: string): Promise<readonly Receipt[]>;
  /**
   * Resolves when the server has the message; rejects when it failed for good (`identifier_not_found`, `no_usable_key` …), and with
   * `identity_changed` when it waits until a change of identity is acknowledged: it stays queued then.
   */
  whenSent(id: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Messages that were not shown before, each once; one counts as shown when the next is asked for. Ends with `signal` or close(). */
  messages(options?: { readonly signal?: AbortSignal }): AsyncIterable<Message>;
  /** Resolves when everything that the server held for this device at the time of connecting has been taken in. */
  caughtUp(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Resolves when every queued message and receipt, every file and every change of a group has reached the server, but those that wait for
   * acknowledgeIdentity() or supplyFile().
   */
  flushed(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Marks all messages of a conversation up to now as shown, and sends read receipts when they are switched on and it is no request. */
  markRead(peer: string): Promise<void>;
  /** Tells the peer, if online, that one is typing; never stored. Whoever made a request is not told. */
  sendTyping(peer: string): Promise<void>;
  /** Oldest first. @throws `contact_unknown`, `group_ambiguous`; `usage` for a message that is not there. */
  history(peer: string, options?: HistoryOptions): Promise<readonly Message[]>;
  /**
   * Messages of this device with all words of a query, the newest first, whatever their case and accents; the last word may still be being
   * typed: it is met by how it begins, unless something follows it. Names of attachments count as their messages' words. Without words, all
   * messages that the filters let through; without either none, but the index is read, so that the next call is fast.
   * @throws `contact_unknown`, `group_ambiguous`, `identifier_invalid`; `usage` for what is no page.
   */
  search(query: string, options?: SearchOptions): Promise<SearchPage>;
  /**
   * The newest first. `first`: only so many, those that a list shows first: what is pinned, then the newest, then the archive. That is
   * quick however many there are.
   */
  conversations(options?: { readonly first?: number }): Promise<readonly ConversationSummary[]>;
  /** One of them; undefined when nothing was ever written in it. @throws `group_ambiguous`. */
  conversation(peer: string): Promise<ConversationSummary | undefined>;
  /** Decides about a conversation, on all devices of the account; the draft stays on this one. @throws `contact_unknown`, `message_too_large`, `usage`. */
  updateConversation(peer: string, changes: ConversationChanges): Promise<void>;
  /**
   * Deletes the messages of a conversation, on all devices of the account; what waits to be sent is not sent any more. A group must be left
   * first (`usage`), and is gone then. Others keep what they have. @throws `contact_unknown`, `usage`.
   */
  deleteConversation(peer: string): Promise<void>;
  /** Whoever made the request is known from then on; what they wrote and was read meanwhile is receipted. @throws `contact_unknown`, `usage` when it is none. */
  acceptRequest(peer: string): Promise<void>;
  /** Deletes the conversation, as deleteConversation(); a group is left. They may ask again. @throws `contact_unknown`, `usage` when it is none. */
  deleteRequest(peer: string): Promise<void>;
  profile(): Promise<Profile>;
  /** Told, end to end, to whom this account wrote, and with the first message to others; on all of its devices. @throws `usage` for what is no name. */
  updateProfile(profile: Profile): Promise<void>;
  /** What somebody is called on this account's devices, whatever they call themselves; empty: nothing. @throws `contact_unknown`, `usage`. */
  setNickname(peer: string, nickname: string): Promise<void>;
  /**
   * Nothing that somebody writes reaches this account any more, and groups that they let it into are declined, on all of its devices; they
   * are not told. In groups with others their messages stay. @throws `contact_unknown`.
   */
  block(peer: string): Promise<void>;
  /** What they wrote meanwhile is lost. @throws `contact_unknown`. */
  unblock(peer: string): Promise<void>;
  blocked(): Promise<readonly Contact[]>;
  contacts(): Promise<readonly Contact[]>;
  /** Looks somebody up, and remembers them. @throws `identifier_not_found`. */
  contact(peer: string): Promise<Contact>;
  /** 60 digits in 12 groups, equal on both sides. */
  safetyNumber(peer: string): Promise<string>;
  setVerified(peer: string, verified: boolean): Promise<void>;
  /** Accepts the new identity key of a contact, after the user has seen that it changed. */
  acknowledgeIdentity(peer: string): Promise<void>;
  groups(): Promise<readonly Group[]>;
  /** Makes a group of this account and others, and resolves when the server has it. @throws `identifier_not_found`, `no_usable_key`. */
  createGroup(name: string, members: readonly string[]): Promise<Group>;
  /** `group`: name or id. The following resolve when the change was committed. @throws `group_unknown`, `group_ambiguous`, `group_forbidden`. */
  addToGroup(group: string, members: readonly string[]): Promise<void>;
  removeFromGroup(group: string, members: readonly string[]): Promise<void>;
  renameGroup(group: string, name: string): Promise<void>;
  /**
   * A small JPEG or WebP, at most 16,384 bytes and 512 pixels a side, for everybody; what it tells of place and camera is taken out.
   * undefined: none. @throws as addToGroup; `usage` for what is none, `picture_unreadable`.
   */
  setGroupPicture(group: string, image: Uint8Array | undefined): Promise<void>;
  /** JPEG or WebP; undefined when it has none, or it has not come yet. @throws `group_unknown`, `group_ambiguous`. */
  groupPicture(group: string): Promise<Uint8Array | undefined>;
  setAdmins(group: string, members: readonly string[], admin: boolean): Promise<void>;
  leaveGroup(group: string): Promise<void>;
  groupMembers(group: string): Promise<readonly GroupMember[]>;
  /**
   * Makes a link that lets nobody in, but lets those who have it ask the admins whom it names: this account and up to two more.
   * `lifeSec`: 7 days if absent, 90 at most. @throws as addToGroup, `usage`.
   */
  createGroupLink(group: string, lifeSec?: number): Promise<GroupLink>;
  /** The links that are good now, named anew for this account; none for who may not add people. @throws `group_unknown`, `group_ambiguous`. */
  groupLinks(group: string): Promise<readonly GroupLink[]>;
  /** Takes a link back for everybody, and with it what was asked by it. @throws as addToGroup, `usage` when there is none of that id. */
  revokeGroupLink(group: string, id: string): Promise<void>;
  /** Who asks to be let into a group, or into any; the oldest first, at most 100 of each group. @throws `group_unknown`, `group_ambiguous`. */
  joinRequests(group?: string): Promise<readonly JoinRequest[]>;
  /** Adds somebody who asks, as addToGroup(). @throws as that; `contact_unknown` when nobody of that name asks. */
  approveJoin(group: string, peer: string): Promise<void>;
  /** Whoever asked is told, and what they ask again within a day comes to nothing. @throws as approveJoin. */
  refuseJoin(group: string, peer: string): Promise<void>;
  /**
   * Asks the admins of a group to let this account in. Resolves when the server has it for one of them; by the same link it asks anew.
   * @throws `group_link_invalid`: no link, too old, of another server, or nobody is there any more whom it names; `server_unreachable`,
   * `connection_lost`, `rate_limited`.
   */
  askToJoin(link: string): Promise<AskedJoin>;
  /** Where this account asked from this device, until it was let in. */
  askedJoins(): Promise<readonly AskedJoin[]>;
  /** Forgets one of them; whoever was asked is not told. */
  forgetJoin(id: string): Promise<void>;
  doctor(): Promise<Doctor>;
  devices(): Promise<readonly DeviceSummary[]>;
  /** What asks to be linked to this account, by the code on its screen. @throws `usage`, `link_refused`. */
  linkRequest(code: string): Promise<LinkRequest>;
  /**
   * Lets it in: it becomes equal to every other device of the account, and gets contacts, groups and history. Show the request first: a
   * code can be part of a fraud. Resolves once it has the account's keys; the rest follows by itself. @throws as linkRequest.
   */
  approveLink(code: string): Promise<void>;
  /**
   * Takes a device off the account and out of its groups. @throws `device_unknown`, `usage`; `server_unreachable`, `connection_lost` when
   * this device has not heard of it, and the server cannot be asked.
   */
  revokeDevice(id: string): Promise<void>;
  /** When somebody who has the identifier may replace this account, in seconds since 1970-01-01 UTC; undefined: nobody asked for that. */
  resetPending(): number | undefined;
  /** Stops that: whoever wants to go on begins anew. */
  cancelReset(): Promise<void>;
  /** The server's key for push services (RFC 8292), 65 bytes; undefined before it was connected to, or when it wakes nobody. */
  pushKey(): Promise<Uint8Array | undefined>;
  /**
   * How this device is woken while it is not connected, in place of what the server knew before; undefined: not at all. What is sent there
   * says nothing but that something came. @throws `server_unreachable`, `malformed` for an address that is no push service's, `unavailable`.
   */
  setPush(target: PushTarget | undefined): Promise<void>;
  /** A new identity key, signed by the one before: contacts see that it changed, and safety numbers are new. */
  rotateIdentity(): Promise<void>;
  /** A new RSA pair for this device; messages under way to the old one are still read. Resolves once published. */
  rotateClassicKey(): Promise<void>;
  /** The same, but the old pair is not to be trusted any more: it is deleted here. Resolves once published. */
  revokeClassicKey(): Promise<void>;
  /** PEM of this device's newest RSA private key (PKCS #8). @throws `passphrase_wrong`. */
  exportClassicPrivateKey(passphrase: string): Promise<string>;
  /** PEM (SubjectPublicKeyInfo) of the RSA keys in use by a peer's devices, or one's own with `self.identifier`. */
  classicPublicKeys(peer: string): Promise<readonly string[]>;
  /** @throws `passphrase_wrong`, and nothing changed. */
  changePassphrase(current: string, next: string): Promise<void>;
  /** The recovery key, where the account was made or brought back with it; undefined on linked devices. @throws `passphrase_wrong`. */
  recoveryKey(passphrase: string): Promise<string | undefined>;
  /**
   * Writes a backup, encrypted under a passphrase of its own: the account with its keys, contacts, what was decided about conversations, and
   * the whole history, without files. restore() makes a new device of the account out of it. The sink is closed when all is written, and
   * aborted otherwise. @throws `usage` for an empty passphrase; what the sink throws.
   */
  backup(
    passphrase: string,
    sink: FileSink,
    options?: { readonly onProgress?: (messages: number) => void },
  ): Promise<{ readonly messages: number }>;
  /**
   * Deletes the account, for good: on the server everything that it has of it, here the vault; the messenger is closed then. Groups are left
   * first, and files that were sent are deleted, as far as that works out within half a minute. Contacts keep what they have. The identifier
   * can be registered anew. When it throws, the account is there still, and it may be asked for again; of an account that was deleted on
   * another device it removes the vault. @throws `passphrase_wrong`, `server_unreachable`, `connection_lost`, `rate_limited`.
   */
  deleteAccount(passphrase: string): Promise<void>;
  settings(): Promise<Settings>;
  updateSettings(changes: Partial<Settings>): Promise<void>;
  subscribe(listener: (event: ClientEvent) => void): () => void;
  /** Stops, keeps everything, releases the vault. */
  close(): Promise<void>;
}

export interface Settings {
  /** Whether others learn that their messages were read. Delivered receipts are always sent. */
  readonly readReceipts: boolean;
  /** What was chosen last, the newest first; kept for faces that offer it. */
  readonly recentEmoji?: readonly string[];
}

export interface ServerChoice {
  /** https://… or an invite link sotto://…#fingerprint. */
  readonly server: string;
  /** A fingerprint (43 characters) or the server's public key in PEM; needed unless the invite link carries it. */
  readonly serverKey?: string;
}

/** What making an account takes. */
export interface NewAccount extends ServerChoice {
  readonly identifier: string;
  /** The six digits, or how to ask for them once they are on their way. */
  readonly code: string | (() => Promise<string>);
  readonly passphrase: string;
  /** What the owner calls themselves, for whom they write to: see Messenger.updateProfile(). */
  readonly name?: string;
  /** What the owner calls this device, at most 64 characters. */
  readonly deviceName?: string;
  /** Called with the recovery key, to be shown and kept: with it the account comes back when every device is lost. */
  readonly onRecoveryKey?: (recoveryKey: string) => void;
}

/** The same, into a folder. */
export interface RegisterOptions extends NewAccount {
  /** Folder of the vault; made with mode 0700 if missing. */
  readonly home: string;
}

/** What becoming a device of an account takes. */
export interface NewLink extends ServerChoice {
  readonly passphrase: string;
  readonly deviceName: string;
  /** What runs here, for whoever approves. */
  readonly platform: string;
  /** Called with what to show: the code, and the text of a QR code. */
  readonly onCode: (shown: { readonly code: string; readonly qr: string }) => void;
  readonly signal?: AbortSignal;
}

/** The same, into a folder. */
export interface LinkOptions extends NewLink {
  /** Folder of the vault; made with mode 0700 if missing. */
  readonly home: string;
}

/** What coming back with the recovery key takes. */
export interface Recovery extends ServerChoice {
  readonly identifier: string;
  /** The six digits, or how to ask for them once they are on their way. */
  readonly code: string | (() => Promise<string>);
  readonly recoveryKey: string;
  readonly passphrase: string;
  readonly deviceName: string;
}

/** The same, into a folder. */
export interface RecoverOptions extends Recovery {
  /** Folder of the vault; made with mode 0700 if missing. */
  readonly home: string;
}

/** What making a device out of a backup file takes. */
export interface Restore {
  readonly file: FileSource;
  /** What opens the file. */
  readonly backupPassphrase: string;
  /** Where the server is now; absent: where it was. Its key must be the same. */
  readonly server?: string;
  /** The six digits, or how to ask for them once they are on their way. */
  readonly code: string | (() => Promise<string>);
  /** Of the new vault. */
  readonly passphrase: string;
  readonly deviceName: string;
  /** The account's other devices are lost, and are revoked. */
  readonly othersLost?: boolean;
}

/** The same, into a folder. */
export interface RestoreOptions extends Restore {
  /** Folder of the vault; made with mode 0700 if missing. */
  readonly home: string;
}

/** Whose a backup is. */
export interface BackupInfo {
  readonly identifier: string;
  readonly serverOrigin: string;
  /** 43 characters of base64url. */
  readonly serverFingerprint: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly madeAt: number;
  readonly messages: number;
}

/** What beginning anew under an identifier takes. */
export interface Reset extends ServerChoice {
  readonly identifier: string;
  /** The six digits, or how to ask for them once they are on their way. */
  readonly code: string | (() => Promise<string>);
  readonly passphrase: string;
  readonly deviceName?: string;
  /** Called with the new account's recovery key, when its keys are made. */
  readonly onRecoveryKey?: (recoveryKey: string) => void;
}

/** The same, into a folder. */
export interface ResetOptions extends Reset {
  /** Folder of the vault, the same in both calls; made with mode 0700 if missing. */
  readonly home: string;
}

/** Where a reset stands. Times in seconds since 1970-01-01 UTC. */
export interface ResetState {
  /** The identifier leads to the new account. */
  readonly done: boolean;
  /** Until it is done: when the next call can end it, and until when. */
  readonly resetAt: number;
  readonly lapsesAt: number;
}

export interface OpenOptions {
  readonly home: string;
  readonly passphrase: string;
  /** false: work with what is stored here, without a connection. */
  readonly connect?: boolean;
}
