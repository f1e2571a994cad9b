/** A conversation of ten thousand messages: opening it reads its last page, and writing into it reads a handful of records. */
import { expect, test } from "vitest";
import { memoryStorage } from "../src/adapters/memory-storage.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { World } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";
const many = 10_000;

test("what is read does not grow with the conversation", { timeout: 120_000 }, async () => {
  const world = await World.make();
  const ann = await world.person(ANN);
  const ben = await world.person(BEN);
  await ann.start();
  await ben.start();
  await ann.up.send(BEN, "the first", { suite: "classic" });
  await world.settle();
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const before = ann.rowsRead;
    await work();
    return ann.rowsRead - before;
  };
  const write = async (): Promise<void> => {
    await ann.up.send(BEN, "one more", { suite: "classic" });
    await world.settle();
  };
  await write();
  const early = await cost(write);
  await ann.stop();

  // Ten thousand messages more, put into the vault as the client would have left them.
  const store = vaultStore(ann.vault, memoryStorage(ann.rows));
  const contactId = (await store.get(names.contactOfIdentifier(BEN))) ?? "";
  const contact = await store.item(names.contacts, Number(contactId));
  const last = (await store.get(names.lastOrder)) ?? 0;
  if (contact === undefined) throw new Error("no contact");
  const conversation = contact.conversations[0] as string;
  const draft = store.draft();
  for (let i = 1; i <= many; i++) {
    const id = i.toString(16).padStart(32, "0");
    const record = {
      id,
      direction: "in",
      body: `number ${i}`,
      status: "read",
      sentAt: 1_790_000_000,
    } as const;
    draft.putItem(names.messages(conversation), last + i, record);
    draft.put(names.placesOf(id), [{ account: contact.account ?? "", conversation, order: last + i }]);
  }
  draft.put(names.lastOrder, last + many);
  draft.putItem(names.contacts, contact.listed, { ...contact, last: { conversation, order: last + many } });
  await draft.commit();

  const opening = await cost(() => ann.start());
  expect(opening).toBeLessThan(50);
  await world.settle();
  let page: readonly { id: string; body: string }[] = [];
  expect(await cost(async () => (page = await ann.up.history(BEN, { limit: 50 })))).toBeLessThan(150);
  expect(page.map((message) => message.body)).toEqual(
    Array.from({ length: 50 }, (_, i) => `number ${many - 49 + i}`),
  );
  const older = await ann.up.history(BEN, { limit: 3, before: page[0]?.id ?? "" });
  expect(older.map((message) => message.body)).toEqual([9_948, 9_949, 9_950].map((n) => `number ${n}`));
  expect(await cost(() => ann.up.conversations())).toBeLessThan(20);
  // The first message of a run reads which ones wait for the index.
  await write();
  const late = await cost(write);
  expect(late).toBeLessThanOrEqual(early + 5);
});

test("the first screenful of a long list is read without the last messages of the others", async () => {
  const world = await World.make();
  const ann = await world.person(ANN);
  const store = vaultStore(ann.vault, memoryStorage(ann.rows));
  const draft = store.draft();
  const people = 300;
  const held = { value: true, atMs: 1 };
  for (let i = 1; i <= people; i++) {
    const [id, account, order] = [String(i), i.toString(16).padStart(32, "0"), 1_000 + i];
    const decided = i === 7 ? { pinned: held } : i > people - 5 ? { archived: held } : undefined;
    draft.putItem(names.contacts, i, {
      id,
      identifier: `+1555000${1_000 + i}`,
      account,
      verified: false,
      conversations: [id],
      unread: 0,
      listed: i,
      last: { conversation: id, order },
      ...(decided && { decided }),
    });
    const message = { id: account, body: `last of ${i}`, status: "read", sentAt: 1_790_000_000 + i } as const;
    draft.putItem(names.messages(id), order, { ...message, direction: "in" });
  }
  draft.put(names.lastOrder, 2_000);
  await draft.commit();
  await ann.start();
  await world.settle();

  const before = ann.rowsRead;
  const first = await ann.up.conversations({ first: 10 });
  expect(ann.rowsRead - before).toBeLessThan(people + 10 * 5);
  const bodies = [...Array.from({ length: 9 }, (_, i) => people - 5 - i), 7].map((i) => `last of ${i}`);
  expect(first.map(({ last }) => last?.body)).toEqual(bodies);
  const all = await ann.up.conversations();
  expect(all).toHaveLength(people);
  expect(all[0]).toMatchObject({ archived: true, last: { body: `last of ${people}` } });
  expect(await ann.up.conversations({ first: people })).toEqual(all);
});
