/**
 * The index against a plain look through the history: messages come, are edited, taken back, deleted and expire, the process ends and begins
 * again, writes fail; after each stretch both find the same, and no word is held that no message has.
 */
import { createMlsEngine, createVault } from "@sotto/crypto";
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";
import { StorageError, parseIdentifier } from "@sotto/protocol";
import { SeededRandom, VirtualClock } from "@sotto/testkit";
import { textOf } from "@sotto/testkit/filling";
import { expect, test } from "vitest";
import { memoryStorage, type MemoryRows } from "../src/adapters/memory-storage.ts";
import { addMessage } from "../src/core/adding.ts";
import { bindIdentifier } from "../src/core/contacts.ts";
import { messageAt } from "../src/core/conversations.ts";
import { startEngine, type Engine } from "../src/core/engine.ts";
import type { Env } from "../src/core/env.ts";
import { noteExpiry } from "../src/core/expiry.ts";
import { applyChange } from "../src/core/groups/changing.ts";
import { names, type MessagePlace, type MessageRecord } from "../src/core/records.ts";
import { markRegistered, storeNewAccount } from "../src/core/registration.ts";
import { removeMessages } from "../src/core/removing.ts";
import { search } from "../src/core/search/finding.ts";
import { wordsOf } from "../src/core/search/words.ts";
import type { Step } from "../src/core/step.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { FakeServer } from "./support/fake-server.ts";

const crypto = nodeProvider();
const mlsProvider = nodeMlsProvider(crypto);
const people = [1, 2, 3].map((n) => ({ identifier: `+1555000000${n}`, account: String(n).repeat(32) }));
const seed = Number(process.env["SOTTO_SEED"] ?? 11);
const stretches = process.env["SOTTO_SLOW_TESTS"] === undefined ? 40 : 400;

test(
  `search finds what the history holds, and the index nothing else; seed ${seed}`,
  { timeout: 120_000 },
  async () => {
    const random = new SeededRandom(seed);
    const clock = new VirtualClock();
    const rows: MemoryRows = new Map();
    const { vault } = await createVault(crypto, "a passphrase");
    let failing = 0;
    const open = () => {
      const inner = memoryStorage(rows);
      return vaultStore(vault, {
        ...inner,
        apply: async (changes) => {
          if (failing-- > 0) throw new StorageError("storage_failed", "the disk is full");
          await inner.apply(changes);
        },
      });
    };
    const mls = createMlsEngine(mlsProvider);
    const env: Env = {
      crypto,
      mlsProvider,
      mls,
      ciphersuite: "x-wing",
      nowMs: clock.nowMs,
      random: random.float,
      setTimer: clock.setTimer,
    };
    const server = await FakeServer.make(crypto, clock);
    const own = await storeNewAccount(env, open(), {
      identifier: parseIdentifier("+15551230001"),
      serverOrigin: "http://localhost",
      serverKey: server.key,
      recoveryKey: { text: "test", backupKey: crypto.randomBytes(32) },
      deviceName: "test",
    });
    await markRegistered(open(), own);
    let engine: Engine = await startEngine(open(), undefined, env);

    const places: MessagePlace[] = [];
    const any = (): MessagePlace | undefined => places[random.integer(places.length)];
    let stamps = 0;
    const change = async (step: Step, type: "edit" | "delete"): Promise<void> => {
      const place = any();
      const record = place && (await messageAt(step.draft, place));
      if (place === undefined || record === undefined) return;
      const by = record.sender ?? "";
      const stamp = { atMs: ++stamps, id: "0".repeat(32) };
      const target = { account: by, id: record.id };
      await applyChange(
        step,
        place,
        type === "edit" ? { type, target, by, stamp, text: textOf(random) } : { type, target, by, stamp },
      );
    };
    const act = async (step: Step): Promise<void> => {
      const what = random.integer(20);
      const place = any();
      if (what === 0) await change(step, "edit");
      else if (what === 1) await change(step, "delete");
      else if (what === 2 && place !== undefined) await removeMessages(step, [place]);
      else if (what === 3 && place !== undefined) {
        await noteExpiry(step, place, Math.floor(clock.nowMs() / 1000) + random.integer(40));
      } else {
        const person = people[random.integer(people.length)] as (typeof people)[0];
        const contact = await bindIdentifier(step, person.identifier, person.account);
        const isOwn = random.chance(0.4);
        const sender = isOwn ? own.account : person.account;
        const message: MessageRecord = {
          id: Array.from({ length: 4 }, () => random.nextUint32().toString(16).padStart(8, "0")).join(""),
          direction: isOwn ? "out" : "in",
          body: textOf(random),
          status: random.chance(0.5) ? "read" : "sent",
          sentAt: Math.floor(clock.nowMs() / 1000),
          suite: "mls",
          sender,
        };
        places.push(await addMessage(step, contact, sender, message));
      }
    };

    for (let stretch = 0; stretch < stretches; stretch++) {
      const steps = Array.from({ length: random.integer(60) }, () =>
        engine.run(async (step) => {
          for (let i = random.integer(4); i > 0; i--) await act(step);
        }),
      );
      if (random.chance(0.1)) failing = 1;
      await Promise.allSettled(steps);
      failing = 0;
      await clock.advance(random.integer(20_000));
      if (random.chance(0.2)) {
        await engine.close();
        engine = await startEngine(open(), undefined, env);
      }
      if (random.chance(0.1)) {
        // What a later version, or a fault, would do to it.
        await engine.close();
        const draft = open().draft();
        draft.delete(names.searchState);
        await draft.commit();
        engine = await startEngine(open(), undefined, env);
      }
      for (let tries = 0; (await search(engine, "", {})).index !== "ready"; tries++) {
        if (tries > 100) throw new Error("the index is never ready");
        await clock.advance(10);
      }
      const { found, expected, stray } = await compare(engine, random);
      expect(found).toEqual(expected);
      expect(stray).toEqual([]);
    }
    await engine.close();
  },
);

/** What some queries find, what a look through the history finds, and words of the index that no message has. */
async function compare(engine: Engine, random: SeededRandom) {
  const all: (MessagePlace & { readonly record: MessageRecord })[] = [];
  for (const person of people) {
    const id = await engine.view.get(names.contactOfIdentifier(person.identifier));
    const contact = id === undefined ? undefined : await engine.view.item(names.contacts, Number(id));
    for (const conversation of contact?.conversations ?? []) {
      for (const { order, value } of await engine.view.page(names.messages(conversation)))
        all.push({ conversation, order, record: value });
    }
  }
  const present = all
    .filter(({ record }) => record.deleted !== true)
    .toSorted((a, b) => b.order - a.order)
    .map(({ record }) => ({ ...record, words: wordsOf(record.body) }));
  const ask = async (query: string) =>
    (await search(engine, query, { since: 0, limit: 10_000 })).hits.map(({ message }) => message.id);
  const found = [await ask("")];
  const expected = [present.map(({ id }) => id)];
  for (let i = 0; i < 5; i++) {
    const [first = "", second = "?"] = textOf(random).split(" ");
    const begin = second.slice(0, 3);
    found.push(await ask(`${first} ${begin}`));
    const isMeant = (words: readonly string[]): boolean =>
      words.includes(first) && (begin === "?" || words.some((word) => word.startsWith(begin)));
    expected.push(present.filter(({ words }) => isMeant(words)).map(({ id }) => id));
  }
  const held = new Set<string>();
  for (const { value } of await engine.view.page(names.searchSegments)) {
    for (const [, word = ""] of value.words.matchAll(/\|([^ ]+) /g)) held.add(word);
  }
  for (const { words } of present) for (const word of words) held.delete(word);
  return { found, expected, stray: [...held] };
}
