/**
 * A messenger made of arrays, for tests of the chat screen alone. It sends nothing anywhere: what a person relies on is
 * tested against real servers in e2e/.
 */
import type {
  ClientEvent,
  ConnectionState,
  Contact,
  ConversationSummary,
  DeviceSummary,
  Doctor,
  Group,
  AskedJoin,
  GroupLink,
  GroupMember,
  JoinRequest,
  LinkRequest,
  Message,
  Messenger,
  SearchHit,
  SearchPage,
  SendOptions,
  Settings,
} from "@sotto/client";
import { UsageError } from "@sotto/protocol";

const missing = (): never => {
  throw new Error("not part of this test");
};

/** The fake; `emit` plays the part of the network. */
export class FakeMessenger implements Messenger {
  readonly self = {
    identifier: "+15551230001",
    accountId: "a".repeat(32),
    deviceId: "d".repeat(32),
    serverOrigin: "http://127.0.0.1:1",
    serverFingerprint: "f".repeat(43),
  };
  connection: ConnectionState = "online";
  readonly messagesByPeer = new Map<string, Message[]>();
  readonly contactsByPeer = new Map<string, Contact>();
  readonly groupsById = new Map<string, { group: Group; people: GroupMember[] }>();
  readonly typingSentTo: string[] = [];
  readonly timers = new Map<string, number>();
  failNextSend: Error | undefined;
  index: SearchPage["index"] = "ready";
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #count = 0;

  addContact(identifier: string, changes: Partial<Contact> = {}): void {
    const contact = {
      identifier,
      accountId: "b".repeat(32),
      verified: false,
      name: "",
      nickname: "",
      known: true,
      blocked: false,
      identityChanged: false,
      devices: 1,
    };
    this.contactsByPeer.set(identifier, { ...contact, ...changes });
    if (!this.messagesByPeer.has(identifier)) this.messagesByPeer.set(identifier, []);
  }

  /** Stores a group of this account and others. */
  addGroup(name: string, people: readonly string[], changes: Partial<Group> = {}): Group {
    const id = String(this.groupsById.size + 1).padStart(32, "c");
    const self = {
      identifier: this.self.identifier,
      name: "",
      accountId: this.self.accountId,
      devices: 1,
      self: true,
    };
    const members: GroupMember[] = [
      { ...self, role: "admin", verified: true },
      ...people.map((one) => this.#member(one)),
    ];
    const group: Group = {
      id,
      name,
      epoch: 1,
      state: "joined",
      admin: true,
      members: members.length,
      ...changes,
    };
    this.groupsById.set(id, { group, people: members });
    this.messagesByPeer.set(id, []);
    return group;
  }

  #member(identifier: string): GroupMember {
    const contact = this.contactsByPeer.get(identifier);
    const { accountId = "b".repeat(32), verified = false } = contact ?? {};
    return { identifier, name: "", accountId, role: "member", verified, devices: 1, self: false };
  }

  #change(id: string, people: GroupMember[], changes: Partial<Group> = {}): void {
    const { group } = this.#group(id);
    this.groupsById.set(id, { group: { ...group, members: people.length, ...changes }, people });
  }

  #group(id: string): { group: Group; people: GroupMember[] } {
    const found = this.groupsById.get(id);
    if (found === undefined) throw new UsageError("group_unknown", "there is no such group");
    return found;
  }

  /** Stores a message without telling anybody. */
  put(peer: string, direction: "in" | "out", body: string, changes: Partial<Message> = {}): Message {
    this.#count += 1;
    const group = this.groupsById.get(peer)?.group;
    const conversation = group?.name ?? peer;
    const message: Message = {
      id: String(this.#count).padStart(32, "0"),
      direction,
      from: direction === "in" ? peer : this.self.identifier,
      to: direction === "in" && group === undefined ? this.self.identifier : conversation,
      conversation,
      ...(group === undefined ? {} : { groupId: group.id }),
      suite: "mls",
      body,
      status: direction === "in" ? "received" : "queued",
      sentAt: 1_700_000_000 + this.#count,
      ...changes,
    };
    this.messagesByPeer.set(peer, [...(this.messagesByPeer.get(peer) ?? []), message]);
    return message;
  }

  /** Stores an incoming message and tells. `peer`: a person, or a group's id with `changes` that say from whom. */
  arrive(peer: string, body: string, changes: Partial<Message> = {}): Message {
    const message = this.put(peer, "in", body, changes);
    this.emit({ type: "message", message });
    return message;
  }

  emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async send(to: string, body: string, { replyTo }: SendOptions = {}): Promise<Message> {
    const failure = this.failNextSend;
    this.failNextSend = undefined;
    if (failure !== undefined) throw failure;
    const quoted = replyTo === undefined ? undefined : await this.message(to, replyTo);
    if (quoted === undefined) return this.put(to, "out", body);
    const { id, from, body: said } = quoted;
    return this.put(to, "out", body, { replyTo: { id, from, body: said, found: true } });
  }

  async message(peer: string, id: string): Promise<Message> {
    const found = this.messagesByPeer.get(peer)?.find((message) => message.id === id);
    if (found === undefined) throw new UsageError("usage", "there is no such message");
    return found;
  }

  /** Puts a message in the place of what it was, and tells. */
  async change(peer: string, id: string, changes: Partial<Message>): Promise<Message> {
    const message = { ...(await this.message(peer, id)), ...changes };
    const all = this.messagesByPeer.get(peer) ?? [];
    this.messagesByPeer.set(
      peer,
      all.map((one) => (one.id === id ? message : one)),
    );
    this.emit({ type: "message_changed", change: "edited", message });
    return message;
  }

  async sendAgain(peer: string, id: string): Promise<Message> {
    const failed = await this.message(peer, id);
    if (failed === undefined) return missing();
    await this.deleteMessage(peer, id);
    return this.put(peer, "out", failed.body);
  }

  async react(peer: string, id: string, emoji: string): Promise<Message> {
    const { identifier: from, accountId } = this.self;
    if (emoji.length > 2) throw new UsageError("usage", "a reaction is one emoji");
    return this.change(peer, id, {
      reactions: emoji === "" ? [] : [{ emoji, from, accountId, own: true, at: 1_700_000_000 }],
    });
  }

  async edit(peer: string, id: string, body: string): Promise<Message> {
    const failure = this.failNextSend;
    this.failNextSend = undefined;
    if (failure !== undefined) throw failure;
    return this.change(peer, id, { body, editedAt: 1_700_000_000 });
  }

  async deleteMessage(peer: string, id: string, options: { forEveryone?: boolean } = {}): Promise<void> {
    if (options.forEveryone === true) {
      await this.change(peer, id, { body: "", deleted: true });
      return;
    }
    const all = this.messagesByPeer.get(peer) ?? [];
    this.messagesByPeer.set(
      peer,
      all.filter((one) => one.id !== id),
    );
    this.emit({ type: "messages_removed", conversation: peer, ids: [id] });
  }

  async setTimer(peer: string, seconds: number): Promise<void> {
    this.timers.set(peer, seconds);
  }

  async search(query: string): Promise<SearchPage> {
    const hits = [...this.messagesByPeer.values()]
      .flat()
      .filter(({ body }) => body.includes(query))
      .map((message): SearchHit => {
        const at = message.body.indexOf(query);
        return { message, snippet: message.body, highlights: [[at, at + query.length]] };
      })
      .toReversed();
    return { hits, index: this.index };
  }

  async history(
    peer: string,
    options: { limit?: number; before?: string } = {},
  ): Promise<readonly Message[]> {
    const all = this.messagesByPeer.get(peer) ?? [];
    const end = options.before === undefined ? all.length : all.findIndex(({ id }) => id === options.before);
    return all.slice(Math.max(0, end - (options.limit ?? all.length)), end);
  }

  async conversation(peer: string): Promise<ConversationSummary | undefined> {
    return (await this.conversations()).find((summary) => summary.peer === peer);
  }
  async conversations(): Promise<readonly ConversationSummary[]> {
    const newestFirst = Array.from(this.messagesByPeer).sort(
      ([, a], [, b]) => (b.at(-1)?.sentAt ?? 0) - (a.at(-1)?.sentAt ?? 0),
    );
    return newestFirst.map(([peer, messages]) => ({
      peer: this.groupsById.get(peer)?.group.name ?? peer,
      group: this.groupsById.get(peer)?.group,
      unread: messages.filter(({ status }) => status === "received").length,
      last: messages.at(-1),
      contact: this.contactsByPeer.get(peer),
      request: undefined,
      pinned: false,
      archived: false,
      markedUnread: false,
      mutedUntil: 0,
      draft: "",
    }));
  }

  async markRead(peer: string): Promise<void> {
    const messages = this.messagesByPeer.get(peer) ?? [];
    this.messagesByPeer.set(
      peer,
      messages.map((message) => (message.status === "received" ? { ...message, status: "read" } : message)),
    );
  }

  async sendTyping(peer: string): Promise<void> {
    this.typingSentTo.push(peer);
  }

  async contacts(): Promise<readonly Contact[]> {
    return Array.from(this.contactsByPeer.values());
  }

  async contact(peer: string): Promise<Contact> {
    const contact = this.contactsByPeer.get(peer);
    if (contact === undefined) throw new UsageError("identifier_not_found", "nobody has this identifier");
    return contact;
  }

  async safetyNumber(): Promise<string> {
    return Array.from({ length: 12 }, (_, index) => String(10_000 + index)).join(" ");
  }

  async setVerified(peer: string, verified: boolean): Promise<void> {
    this.addContact(peer, { ...this.contactsByPeer.get(peer), verified });
  }

  async acknowledgeIdentity(peer: string): Promise<void> {
    this.addContact(peer, { ...this.contactsByPeer.get(peer), identityChanged: false });
  }

  async groups(): Promise<readonly Group[]> {
    return Array.from(this.groupsById.values(), ({ group }) => group);
  }

  async groupMembers(id: string): Promise<readonly GroupMember[]> {
    return this.#group(id).people.map((one) =>
      one.self
        ? one
        : { ...one, verified: this.contactsByPeer.get(one.identifier)?.verified ?? one.verified },
    );
  }

  async createGroup(name: string, members: readonly string[]): Promise<Group> {
    for (const one of members) await this.contact(one);
    return this.addGroup(name, members);
  }

  async addToGroup(id: string, members: readonly string[]): Promise<void> {
    for (const one of members) await this.contact(one);
    this.#change(id, [...this.#group(id).people, ...members.map((one) => this.#member(one))]);
  }

  async removeFromGroup(id: string, members: readonly string[]): Promise<void> {
    const left = this.#group(id).people.filter(({ identifier }) => !members.includes(identifier));
    this.#change(id, left);
  }

  async renameGroup(id: string, name: string): Promise<void> {
    this.#change(id, this.#group(id).people, { name });
  }

  async setAdmins(id: string, members: readonly string[], admin: boolean): Promise<void> {
    const role = admin ? "admin" : "member";
    const people = this.#group(id).people.map((one) =>
      members.includes(one.identifier) ? ({ ...one, role } as const) : one,
    );
    if (!people.some((one) => one.role === "admin")) {
      throw new UsageError("group_forbidden", "a group needs at least one admin");
    }
    this.#change(id, people);
  }

  async leaveGroup(id: string): Promise<void> {
    this.#change(id, this.#group(id).people, { state: "left" });
  }

  async setGroupPicture(): Promise<void> {}
  async groupPicture(): Promise<undefined> {}
  async createGroupLink(): Promise<GroupLink> {
    return { id: "e".repeat(32), link: "http://127.0.0.1/#/join/AA", expiresAt: 1_700_000_000 };
  }
  async groupLinks(): Promise<readonly GroupLink[]> {
    return [];
  }
  async revokeGroupLink(): Promise<void> {}
  async joinRequests(): Promise<readonly JoinRequest[]> {
    return [];
  }
  async approveJoin(): Promise<void> {}
  async refuseJoin(): Promise<void> {}
  async askToJoin(): Promise<AskedJoin> {
    throw new UsageError("group_link_invalid", "there are no links here");
  }
  async askedJoins(): Promise<readonly AskedJoin[]> {
    return [];
  }
  async forgetJoin(): Promise<void> {}

  /** What waits under a code. */
  readonly asking = new Map<string, LinkRequest>();
  deviceList: DeviceSummary[] = [
    { id: "d".repeat(32), name: "desk", addedAt: 1_700_000_000, current: true, revoked: false },
  ];
  /** Devices that wait for their history. */
  linking = 0;

  async devices(): Promise<readonly DeviceSummary[]> {
    return this.deviceList;
  }

  async linkRequest(code: string): Promise<LinkRequest> {
    if (code.length < 16) throw new UsageError("usage", "that is no code");
    const request = this.asking.get(code);
    if (request === undefined) throw new UsageError("link_refused", "there is no such link");
    return request;
  }

  async approveLink(code: string): Promise<void> {
    const { name } = await this.linkRequest(code);
    this.linking = 1;
    const id = String(this.deviceList.length).padStart(32, "e");
    const device = { id, name, addedAt: 1_700_000_100, current: false, revoked: false };
    this.deviceList = [...this.deviceList, device];
  }

  async revokeDevice(id: string): Promise<void> {
    this.deviceList = this.deviceList.map((one) => (one.id === id ? { ...one, revoked: true } : one));
  }

  async doctor(): Promise<Doctor> {
    return {
      vault: "open",
      connection: this.connection,
      problem: undefined,
      queued: 0,
      keyPackages: { left: undefined },
      linking: this.linking,
      clockAheadMs: undefined,
      conversations: [],
    };
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  settings = async (): Promise<Settings> => ({ readReceipts: true });
  downloadAttachment = missing;
  attachmentThumbnail = missing;
  supplyFile = missing;
  largestAttachment = (): number | undefined => undefined;
  clearConversation = missing;
  receipts = missing;
  whenSent = missing;
  messages = missing;
  caughtUp = missing;
  flushed = missing;
  updateConversation = missing;
  deleteConversation = missing;
  acceptRequest = missing;
  profile = missing;
  updateProfile = missing;
  setNickname = missing;
  block = missing;
  unblock = missing;
  blocked = missing;
  deleteRequest = missing;
  rotateIdentity = missing;
  resetPending = missing;
  pushKey = missing;
  setPush = missing;
  cancelReset = missing;
  deleteAccount = missing;
  backup = missing;
  rotateClassicKey = missing;
  revokeClassicKey = missing;
  exportClassicPrivateKey = missing;
  classicPublicKeys = missing;
  changePassphrase = missing;
  recoveryKey = missing;
  updateSettings = missing;
}
