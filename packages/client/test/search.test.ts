/** Searching in the history, between whole clients in a simulated world: what is found, and what must not be found any more. */
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { Messenger, SearchOptions } from "../src/api.ts";
import { bytesSource } from "../src/core/media/file-source.ts";
import { names } from "../src/core/records.ts";
import { plaintextOfVault } from "./support/vault-plaintext.ts";

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  const cleo = await world.device("+15551230003");
  for (const device of world.devices) await device.start();
  await world.settle();
  return { world, ann, ben, cleo };
}

const found = async (up: Messenger, query: string, options?: SearchOptions) =>
  (await up.search(query, options)).hits.map(({ message }) => message.body);

/** How often a word stands anywhere in an opened vault. */
const held = async (device: SimulatedDevice, word: string): Promise<number> =>
  (await plaintextOfVault(device)).toLowerCase().split(word.toLowerCase()).length - 1;

/** Which of some words stand in the first segment. */
async function filed(device: SimulatedDevice, words: readonly string[]): Promise<readonly string[]> {
  const [segment] = await device.stored.page(names.searchSegments);
  return words.filter((word) => segment?.value.words.includes(`|${word} `));
}

describe("a search", () => {
  test("finds words whatever their case and accents, the last one by its beginning, the newest first", async () => {
    const { world, ann, ben } = await scene(1);
    for (const body of ["Frühstück um neun?", "Lunch at noon", "lunches are late", "No lunch, no noon"]) {
      await ann.up.send(ben.identifier, body);
    }
    await world.settle(5);
    for (const { up } of [ann, ben]) {
      expect(await found(up, "fruhstuck")).toEqual(["Frühstück um neun?"]);
      expect(await found(up, "LÜNCH")).toEqual(["No lunch, no noon", "lunches are late", "Lunch at noon"]);
      expect(await found(up, "lunch ")).toEqual(["No lunch, no noon", "Lunch at noon"]);
      expect(await found(up, "noon lunch")).toEqual(["No lunch, no noon", "Lunch at noon"]);
      expect(await found(up, "lunch noon x")).toEqual([]);
      expect(await found(up, "")).toEqual([]);
      expect(await found(up, "?!")).toEqual([]);
    }
    const { hits, index, next } = await ben.up.search("la");
    expect([index, next]).toEqual(["ready", undefined]);
    expect(hits[0]).toMatchObject({
      snippet: "lunches are late",
      highlights: [[12, 14]],
      message: { from: ann.identifier, conversation: ann.identifier },
    });
  });

  test("is filtered by conversation, sender, time and attachments", async () => {
    const { world, ann, ben, cleo } = await scene(2);
    const club = await world.during(ann.up.createGroup("Club", [ben.identifier, cleo.identifier]));
    await ann.up.send(ben.identifier, "plan one");
    await ann.up.send(club.id, "plan two");
    await world.settle(10);
    const noon = Math.floor(world.clock.nowMs() / 1000);
    await ben.up.send(club.id, "plan three");
    await ben.up.send(ann.identifier, "see the file", {
      attachments: [{ source: bytesSource(new Uint8Array(9)), name: "Große Pläne.txt" }],
    });
    await world.settle(20);
    const { up } = ann;
    const sorted = async (query: string, options: SearchOptions) =>
      (await found(up, query, options)).toSorted();
    expect(await sorted("plan", { in: "Club" })).toEqual(["plan three", "plan two"]);
    expect(await sorted("plan", { in: ben.identifier })).toEqual(["plan one", "see the file"]);
    expect(await sorted("plan", { from: ann.identifier })).toEqual(["plan one", "plan two"]);
    expect(await sorted("plan", { from: ben.identifier })).toEqual(["plan three", "see the file"]);
    expect(await sorted("plan", { from: ben.account, in: club.id })).toEqual(["plan three"]);
    expect(await sorted("plan", { from: cleo.identifier })).toEqual([]);
    expect(await sorted("plan", { until: noon })).toEqual(["plan one", "plan two"]);
    expect(await sorted("plan", { since: noon })).toEqual(["plan three", "see the file"]);
    expect(await sorted("", { attachments: true })).toEqual(["see the file"]);
    expect(await sorted("", { from: ben.identifier, in: "Club" })).toEqual(["plan three"]);
    const [file] = (await up.search("grosse")).hits;
    expect(file).toMatchObject({ snippet: "Große Pläne.txt", highlights: [[0, 5]] });
    await expect(up.search("plan", { in: "Nobody" })).rejects.toMatchObject({ code: "identifier_invalid" });
    await expect(up.search("plan", { in: "+15551239999" })).rejects.toMatchObject({
      code: "contact_unknown",
    });
    await expect(up.search("plan", { limit: 0 })).rejects.toMatchObject({ code: "usage" });
    await expect(up.search("plan", { after: "x" })).rejects.toMatchObject({ code: "usage" });
  });

  test("comes in pages, across everything that is filed and what is not", async () => {
    const { world, ann, ben } = await scene(3);
    const many = 600;
    for (let i = 0; i < many; i++)
      await ann.up.send(ben.identifier, `number ${i} ${i % 2 === 0 ? "even" : "odd"}`);
    await world.settle(60);
    for (const device of [ann, ben]) {
      const bodies: string[] = [];
      let after: string | undefined;
      do {
        const page = await device.up.search("even", { limit: 70, ...(after !== undefined && { after }) });
        bodies.push(...page.hits.map(({ message }) => message.body));
        expect(page.hits.length).toBeLessThanOrEqual(70);
        after = page.next;
      } while (after !== undefined);
      expect(bodies).toEqual(Array.from({ length: 300 }, (_, i) => `number ${598 - 2 * i} even`));
      expect((await device.stored.page(names.searchSegments)).length).toBeGreaterThan(0);
    }
    // Another run reads the same from the vault.
    ben.kill();
    await ben.start();
    expect(await found(ben.up, "number 7")).toEqual(await found(ann.up, "number 7"));
    expect(await found(ben.up, "number 7 ")).toEqual(["number 7 odd"]);
  });
});

describe("what goes", () => {
  test("takes its words out of the index: edited, taken back, deleted, cleared, expired", async () => {
    const { world, ann, ben } = await scene(4);
    const texts = ["xylophone", "zeppelin", "quicksilver", "marmalade"];
    const sent = [];
    for (const body of texts) sent.push(await ann.up.send(ben.identifier, body));
    const brief = await ann.up.send(ben.identifier, "vanishing", { expiresAfter: 60 });
    // So many more that all of these are in a segment.
    for (let i = 0; i < 300; i++) await ann.up.send(ben.identifier, `filler ${i}`);
    await world.settle(30);
    await ben.up.markRead(ann.identifier);
    // The sender's own text may be past its time already.
    expect(await filed(ann, texts)).toEqual(texts);
    expect(await filed(ben, [...texts, brief.body])).toEqual([...texts, brief.body]);
    const [edited, takenBack, deleted] = sent.map(({ id }) => id) as [string, string, string];
    await ann.up.edit(ben.identifier, edited, "glockenspiel");
    await ann.up.deleteMessage(ben.identifier, takenBack, { forEveryone: true });
    await ann.up.deleteMessage(ben.identifier, deleted);
    await ben.up.deleteMessage(ann.identifier, deleted);
    await world.settle(90);
    for (const device of [ann, ben]) {
      for (const word of ["xylophone", "zeppelin", "quicksilver", "vanishing"]) {
        expect(await found(device.up, word)).toEqual([]);
        expect(await held(device, word)).toBe(0);
      }
      expect(await found(device.up, "glock")).toEqual(["glockenspiel"]);
      expect(await found(device.up, "marm")).toEqual(["marmalade"]);
    }
    await ben.up.clearConversation(ann.identifier);
    await world.settle(10);
    expect(await found(ben.up, "marm")).toEqual([]);
    expect(await held(ben, "marmalade")).toBe(0);
    expect(await held(ben, "filler")).toBe(0);
    expect((await found(ann.up, "filler")).length).toBe(20);
  });

  test("is gone in the change set that takes it, whatever the moment of a crash", async () => {
    const { world, ann, ben } = await scene(5);
    const { id } = await ann.up.send(ben.identifier, "xylophone");
    for (let i = 0; i < 300; i++) await ann.up.send(ben.identifier, `filler ${i}`);
    await world.settle(30);
    for (const fate of ["before", "after", "fails"] as const) {
      for (let at = 0; at < 3; at++) {
        const copy = ben.copy();
        let effects = 0;
        ben.fate = () => (effects++ === at ? fate : false);
        const work = ben.up.deleteMessage(ann.identifier, id).catch(() => undefined);
        await world.settle(5);
        ben.fate = () => false;
        const isThere = (await ben.stored.page(names.searchSegments)).some(({ value }) =>
          value.words.includes("|xylophone "),
        );
        const place = (await ben.stored.get(names.placesOf(id)))?.[0];
        if (place === undefined) throw new Error("the message was never there");
        const record = await ben.stored.item(names.messages(place.conversation), place.order);
        expect(isThere).toBe(record !== undefined);
        void work;
        ben.kill();
        ben.restore(copy);
        await ben.start();
        await world.settle(5);
      }
    }
  });
});

describe("an index", () => {
  test("follows a history that comes to a linked device", async () => {
    const { world, ann, ben } = await scene(6);
    for (let i = 0; i < 400; i++) await ann.up.send(ben.identifier, `number ${i}`);
    const gone = await ann.up.send(ben.identifier, "zeppelin");
    await world.settle(30);
    await ann.up.deleteMessage(ben.identifier, gone.id);
    const tablet = await world.linked(ann);
    await tablet.start();
    await world.settle(120);
    expect(await found(tablet.up, "number 399")).toEqual(["number 399"]);
    expect((await tablet.up.search("number", { limit: 500 })).hits.length).toBe(400);
    expect(await found(tablet.up, "number", { limit: 3 })).toEqual([
      "number 399",
      "number 398",
      "number 397",
    ]);
    expect(await held(tablet, "zeppelin")).toBe(0);
    await tablet.up.send(ben.identifier, "number 400");
    await world.settle(5);
    expect(await found(tablet.up, "number", { limit: 2 })).toEqual(["number 400", "number 399"]);
  });

  test.each(["missing", "damaged", "of another version", "half made"])(
    "that is %s is made anew",
    async (how) => {
      const { world, ann, ben } = await scene(7);
      for (let i = 0; i < 600; i++) await ann.up.send(ben.identifier, `number ${i}`);
      const last = await ann.up.send(ben.identifier, "xylophone");
      await world.settle(60);
      ben.kill();
      const [first] = await ben.stored.page(names.searchSegments, { limit: 1 });
      if (first === undefined) throw new Error("there is no segment");
      if (how === "damaged") {
        await ben.spoil((draft) => draft.putItem(names.searchSegments, first.order, first.value));
      } else {
        await ben.tamper(async (draft) => {
          if (how === "of another version") draft.put(names.searchState, { version: 0 });
          else draft.delete(names.searchState);
          if (how !== "missing") return;
          for (const list of [names.searchSegments, names.searchPending]) {
            for (const order of await draft.orders(list)) draft.deleteItem(list, order);
          }
        });
      }
      await ben.start();
      await ben.up.search("anything");
      await ann.up.send(ben.identifier, "number 600");
      await ann.up.deleteMessage(ben.identifier, last.id, { forEveryone: true });
      await world.settle(60);
      const page = await ben.up.search("number", { limit: 1_000 });
      expect(page.index).toBe("ready");
      expect(page.hits.map(({ message }) => message.body)).toEqual(
        Array.from({ length: 601 }, (_, i) => `number ${600 - i}`),
      );
      expect(await found(ben.up, "xylophone")).toEqual([]);
      expect(await held(ben, "xylophone")).toBe(0);
    },
  );
});
