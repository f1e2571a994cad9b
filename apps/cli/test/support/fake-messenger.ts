/**
 * A messenger made of arrays, for tests of the chat screen alone. It sends nothing anywhere: what a person relies on is
 * tested against real servers in e2e/.
 */
import type {
  ClientEvent,
  ConnectionState,
  Contact,
  ConversationSummary,
  Message,
  Messenger,
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
  readonly typingSentTo: string[] = [];
  failNextSend: Error | undefined;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #count = 0;

  addContact(identifier: string, changes: Partial<Contact> = {}): void {
    const contact = {
      identifier,
      accountId: "b".repeat(32),
      verified: false,
      identityChanged: false,
      devices: 1,
    };
    this.contactsByPeer.set(identifier, { ...contact, ...changes });
    if (!this.messagesByPeer.has(identifier)) this.messagesByPeer.set(identifier, []);
  }

  /** Stores a message without telling anybody. */
  put(peer: string, direction: "in" | "out", body: string, changes: Partial<Message> = {}): Message {
    this.#count += 1;
    const message: Message = {
      id: String(this.#count).padStart(32, "0"),
      direction,
      from: direction === "in" ? peer : this.self.identifier,
      to: direction === "in" ? this.self.identifier : peer,
      suite: "classic",
      body,
      status: direction === "in" ? "received" : "queued",
      sentAt: 1_700_000_000 + this.#count,
      ...changes,
    };
    this.messagesByPeer.set(peer, [...(this.messagesByPeer.get(peer) ?? []), message]);
    return message;
  }

  /** Stores an incoming message and tells. */
  arrive(peer: string, body: string): Message {
    const message = this.put(peer, "in", body);
    this.emit({ type: "message", message });
    return message;
  }

  emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async send(to: string, body: string): Promise<Message> {
    const failure = this.failNextSend;
    this.failNextSend = undefined;
    if (failure !== undefined) throw failure;
    return this.put(to, "out", body);
  }

  async history(
    peer: string,
    options: { limit?: number; before?: string } = {},
  ): Promise<readonly Message[]> {
    const all = this.messagesByPeer.get(peer) ?? [];
    const end = options.before === undefined ? all.length : all.findIndex(({ id }) => id === options.before);
    return all.slice(Math.max(0, end - (options.limit ?? all.length)), end);
  }

  async conversations(): Promise<readonly ConversationSummary[]> {
    const newestFirst = Array.from(this.messagesByPeer).sort(
      ([, a], [, b]) => (b.at(-1)?.sentAt ?? 0) - (a.at(-1)?.sentAt ?? 0),
    );
    return newestFirst.map(([peer, messages]) => ({
      peer,
      unread: messages.filter(({ status }) => status === "received").length,
      last: messages.at(-1),
      contact: this.contactsByPeer.get(peer),
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

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  settings = async (): Promise<Settings> => ({ readReceipts: true });
  whenSent = missing;
  messages = missing;
  caughtUp = missing;
  flushed = missing;
  devices = missing;
  rotateClassicKey = missing;
  revokeClassicKey = missing;
  exportClassicPrivateKey = missing;
  classicPublicKeys = missing;
  changePassphrase = missing;
  updateSettings = missing;
}
