/** Two honest people, writing to each other through a server: what must still work after every attack. */
import { parseClassicMessage, parseClassicPlaintext, unprotectClassic } from "@sotto/crypto";
import { EntryKind, InboxItemSchema, decode, utf8 } from "@sotto/protocol";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Person } from "./person.ts";
import type { RawClient } from "./raw-client.ts";
import type { TestServer } from "./test-server.ts";

/** The body of an inbox entry that holds a classic message. */
export const inboxItem = (json: string): Uint8Array<ArrayBuffer> =>
  toBinary(InboxItemSchema, create(InboxItemSchema, { item: { case: "classic", value: utf8(json) } }));

/** Two people who are signed in, each attached to the own inbox. */
export class HonestPair {
  private readonly server: TestServer;
  private readonly people: readonly [Person, Person];
  private clients: readonly [RawClient, RawClient] | undefined;
  private sent = 0;

  private constructor(server: TestServer, people: readonly [Person, Person]) {
    this.server = server;
    this.people = people;
  }

  /** Registers two people. */
  static async join(server: TestServer): Promise<HonestPair> {
    return new HonestPair(server, [await server.join(), await server.join()]);
  }

  /** Signs both in. */
  async connect(): Promise<void> {
    const [ann, bob] = this.people;
    this.clients = [await this.server.connect(ann), await this.server.connect(bob)];
    await this.clients[1].attach(bob.inbox, this.sent);
  }

  /**
   * One writes, the other gets it, checks and opens it, and acks. How long that took, in milliseconds.
   * @throws Error when anything of it fails, or takes longer than ten seconds.
   */
  async exchange(): Promise<number> {
    if (this.clients === undefined) await this.connect();
    const [ann, bob] = this.people;
    const [from, to] = this.clients as readonly [RawClient, RawClient];
    const startedMs = performance.now();
    const nowSec = Math.floor(Date.now() / 1000);
    const text = `honest ${++this.sent}`;
    const message = await ann.write(bob, text, { nowSec, n: this.sent });
    const answer = await from.append(bob.inbox, inboxItem(message.json));
    if (answer !== "appended") throw new Error(`the honest message was answered with ${answer}`);
    const { entries } = await to.next("entries");
    const [entry] = entries;
    if (entries.length !== 1 || entry?.kind !== EntryKind.MESSAGE) throw new Error("expected one entry");
    const got = await this.read(entry.body, nowSec);
    if (got !== text) throw new Error(`"${text}" arrived as "${got}"`);
    to.send({ case: "ack", value: { logId: bob.inbox, seq: entry.seq } });
    return performance.now() - startedMs;
  }

  close(): void {
    for (const client of this.clients ?? []) client.close();
    this.clients = undefined;
  }

  private async read(body: Uint8Array, nowSec: number): Promise<string> {
    const [ann, bob] = this.people;
    const { item } = decode(InboxItemSchema, body);
    if (item.case !== "classic") throw new Error("expected a classic message");
    const taken = await unprotectClassic(this.server.provider, {
      message: parseClassicMessage(item.value),
      self: bob.address,
      privateKeys: [bob.rsa.privateKey],
      senderList: await ann.verifiedList(),
      nowSec,
    });
    const plaintext = parseClassicPlaintext(taken.plaintext);
    return plaintext.type === "text" ? plaintext.body : plaintext.type;
  }
}
