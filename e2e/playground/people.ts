/** Everybody in the playground with a client of their own, over the same server as a visitor's browser. */
import { join } from "node:path";
import { open, register, type Message, type Messenger } from "@sotto/client/node";
import { cast, everybody, type Who } from "./cast.ts";

/** The passphrase of everybody, visitors included. */
export const PASSPHRASE = "three calm otters";

/** Where they register. */
export interface Place {
  /** Its invite link. */
  readonly invite: string;
  /** Folder for their vaults. */
  readonly homes: string;
  /** The one-time password that was sent to somebody. */
  code(identifier: string): string;
}

/** Somebody at their device. */
export class Person {
  readonly who: Who;
  readonly messenger: Messenger;
  private readonly seen = new Map<string, Message>();
  private readonly waiting = new Map<string, () => void>();

  constructor(who: Who, messenger: Messenger) {
    this.who = who;
    this.messenger = messenger;
    messenger.subscribe((event) => {
      if (event.type !== "message") return;
      this.seen.set(event.message.id, event.message);
      this.waiting.get(event.message.id)?.();
    });
  }

  get identifier(): string {
    return cast[this.who];
  }

  /** Resolves when the message has come. */
  async heard(id: string): Promise<void> {
    if (!this.seen.has(id)) await new Promise<void>((resolve) => this.waiting.set(id, resolve));
    this.waiting.delete(id);
    this.seen.delete(id);
  }
}

/** Opens everybody's vault. */
export async function openAll(homes: string): Promise<ReadonlyMap<Who, Person>> {
  const opened = await Promise.all(
    everybody.map(async (who) => {
      const messenger = await open({ home: join(homes, who), passphrase: PASSPHRASE });
      await messenger.caughtUp();
      return [who, new Person(who, messenger)] as const;
    }),
  );
  return new Map(opened);
}

/** Registers everybody. */
export async function registerAll(place: Place): Promise<void> {
  for (const who of everybody) {
    await register({
      server: place.invite,
      home: join(place.homes, who),
      identifier: cast[who],
      name: who,
      passphrase: PASSPHRASE,
      deviceName: `${who}'s laptop`,
      code: async () => place.code(cast[who]),
    });
  }
}
