/** A whole client, as people run it, on a real server or behind one that lies: with everything that it told its user. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatFingerprint } from "@sotto/protocol";
import {
  type ClientEvent,
  type Message,
  type Messenger,
  type Notice,
  open,
  register,
} from "@sotto/client/node";
import type { TestServer } from "./test-server.ts";

const passphrase = "correct horse battery staple";
/** Longer than a client ever pauses between two tries to connect. */
const patienceMs = 45_000;

/** Somebody with the real client. */
export class Phone {
  readonly identifier: string;
  messenger: Messenger;
  /** Everything that the client told, in order. */
  readonly events: ClientEvent[] = [];
  private readonly home: string;
  private readonly changed = new Set<() => void>();

  private constructor(identifier: string, messenger: Messenger, home: string) {
    this.identifier = identifier;
    this.messenger = messenger;
    this.home = home;
    messenger.subscribe(this.listen);
  }

  private readonly listen = (event: ClientEvent): void => {
    this.events.push(event);
    for (const wake of this.changed) wake();
    this.changed.clear();
  };

  /** Closes the client and opens it anew: it connects at once, however long it wanted to wait after failures. */
  async restart(): Promise<void> {
    await this.messenger.close();
    this.messenger = await open({ home: this.home, passphrase });
    this.messenger.subscribe(this.listen);
  }

  /**
   * Registers somebody and opens the client.
   * @param origin how it reaches the server: the real one, or a liar in front of it
   */
  static async register(server: TestServer, origin: string, identifier: string): Promise<Phone> {
    const home = mkdtempSync(join(tmpdir(), "sotto-phone-"));
    await register({
      home,
      server: origin,
      serverKey: formatFingerprint(server.facts.fingerprint),
      identifier,
      passphrase,
      code: async () => server.code(identifier),
    });
    return new Phone(identifier, await open({ home, passphrase }), home);
  }

  /** The notices so far, the oldest first. */
  get notices(): readonly Notice[] {
    return this.events.flatMap((event) => (event.type === "notice" ? [event.notice] : []));
  }

  /** Codes of the messages that were refused so far. */
  get refusals(): readonly string[] {
    return this.notices.flatMap((notice) => (notice.type === "refused" ? [notice.code] : []));
  }

  /** Bodies of the messages that came in so far, in the order in which they were told. */
  get inbox(): readonly string[] {
    return this.events.flatMap((event) =>
      event.type === "message" && event.message.direction === "in" ? [event.message.body] : [],
    );
  }

  /** Forgets what was told so far. */
  forget(): void {
    this.events.length = 0;
  }

  /** Waits until something was told. @throws Error with what was told instead, after 45 seconds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${what}: did not happen; told: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 100));
        this.changed.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Waits for a message of this body. */
  async receives(body: string): Promise<Message> {
    const find = () =>
      this.events.find(
        (event) =>
          event.type === "message" && event.message.direction === "in" && event.message.body === body,
      );
    await this.until(`"${body}" arrives`, () => find() !== undefined);
    const event = find();
    if (event?.type !== "message") throw new Error("unreachable");
    return event.message;
  }

  /** Waits until a message of one's own has got this far. */
  async reaches(id: string, status: "sent" | "delivered" | "read" | "failed"): Promise<void> {
    await this.until(`${id} is ${status}`, () =>
      this.events.some((event) => event.type === "status" && event.id === id && event.status === status),
    );
  }

  /** Sends in the classic suite, and waits until the server has it. "sent", or the code with which it failed. */
  async sends(to: string, body: string): Promise<string> {
    const { id } = await this.messenger.send(to, body, { suite: "classic" });
    try {
      await this.messenger.whenSent(id);
      return "sent";
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  /** Waits until the client is connected. */
  async online(): Promise<void> {
    await this.until("online", () => this.messenger.connection === "online");
  }

  async close(): Promise<void> {
    await this.messenger.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Two people write to each other in the classic suite, both ways, up to the receipt. @throws Error when a message does not get through. */
export async function chat(one: Phone, other: Phone, about: string): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const body = `${about}: ${from.identifier} to ${to.identifier}`;
    const { id } = await from.messenger.send(to.identifier, body, { suite: "classic" });
    await to.receives(body);
    await from.reaches(id, "delivered");
  }
}
