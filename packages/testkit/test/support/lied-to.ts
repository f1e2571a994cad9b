/** The scene of the client's attack tests: a real server, a liar in front of it, Bob behind the liar, Ann beside it. */
import { nodeProvider } from "@sotto/crypto/node";
import type { Entry, LookupResult, ServerFrame } from "@sotto/protocol";
import { vi } from "vitest";
import {
  LyingServer,
  type Person,
  Phone,
  type RawClient,
  type Recipient,
  TestServer,
  chat,
  inboxItem,
  lookUp,
} from "../../src/attack.ts";
import { serverFrame } from "../../src/index.ts";

export const provider = nodeProvider();

/** Longer than a client trusts a device list without asking again. */
const FRESH_MS = 200_000;

/** Somebody played by hand: an honest sender, or the liar's accomplice. */
export interface Sender {
  readonly person: Person;
  readonly client: RawClient;
  /** Puts a classic message into Bob's inbox. */
  deliver(json: string): Promise<void>;
}

/** Everybody who plays. */
export interface Scene {
  readonly server: TestServer;
  readonly liar: LyingServer;
  /** Honest, straight at the real server. */
  readonly ann: Phone;
  /** Honest, behind the liar: whom the attacks are meant for. */
  readonly bob: Phone;
  /** Bob's device, to write to. */
  readonly bobsDevice: Recipient;
  /** The liar is honest again: Ann and Bob write to each other, both ways. Then all that was told is forgotten. */
  recover(): Promise<void>;
  /** Somebody new whose keys the test holds, signed in. */
  person(): Promise<Sender>;
  close(): Promise<void>;
}

const wide = { burst: 100_000, perHour: 100_000 };
const limits = {
  lookupsPerAccount: wide,
  lookupsPerAddress: wide,
  accountLookupsPerAccount: wide,
  deviceListsPerAccount: wide,
};

/** Sets the scene. Ann and Bob have written to each other when it begins. */
export async function setScene(): Promise<Scene> {
  const server = await TestServer.start(provider, { limits });
  const liar = await LyingServer.start(server.facts.origin);
  const ann = await Phone.register(server, server.facts.origin, "+15551230001");
  const bob = await Phone.register(server, liar.origin, "+15551230002");
  await chat(ann, bob, "before any lie");
  const clients: RawClient[] = [];
  const join = async (): Promise<[Person, RawClient]> => {
    const person = await server.join();
    const client = await server.connect(person);
    clients.push(client);
    return [person, client];
  };
  const [, guest] = await join();
  const bobsDevice = await lookUp(guest, bob.identifier);
  let recoveries = 0;
  return {
    server,
    liar,
    ann,
    bob,
    bobsDevice,
    async recover() {
      liar.behave();
      skipTime(FRESH_MS);
      await bob.online();
      await chat(ann, bob, `after lie ${++recoveries}`);
      bob.forget();
      ann.forget();
    },
    async person() {
      const [person, client] = await join();
      return {
        person,
        client,
        async deliver(json) {
          const answer = await client.append(bobsDevice.inbox, inboxItem(json));
          if (answer !== "appended") throw new Error(`the server answered ${answer}`);
        },
      };
    },
    async close() {
      vi.restoreAllMocks();
      for (const client of clients) client.close();
      for (const one of [ann, bob, liar, server]) await one.close();
    },
  };
}

let skippedMs = 0;

/** Moves everybody's clock, so that device lists are asked for again. */
export function skipTime(byMs = FRESH_MS): void {
  skippedMs += byMs;
  vi.spyOn(Date, "now").mockImplementation(
    () => Math.floor(performance.timeOrigin + performance.now()) + skippedMs,
  );
}

/** Seconds since 1970 by everybody's clock. */
export const nowSec = (): number => Math.floor(Date.now() / 1000);

/** A lie about entries: what to tell the client in place of each. */
export function aboutEntries(lie: (entry: Entry) => readonly Entry[]) {
  return (told: ServerFrame): readonly ServerFrame[] => {
    const { frame } = told;
    if (frame.case !== "entries") return [told];
    const entries = frame.value.entries.flatMap((entry) => lie(entry));
    return entries.length === 0 ? [] : [serverFrame({ case: "entries", value: { ...frame.value, entries } })];
  };
}

/** A lie about lookups. */
export function aboutLookups(lie: (result: LookupResult) => LookupResult) {
  return (told: ServerFrame): readonly ServerFrame[] => {
    const { frame } = told;
    return frame.case === "lookupResult"
      ? [serverFrame({ case: "lookupResult", value: lie(frame.value) })]
      : [told];
  };
}
