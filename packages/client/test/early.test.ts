/** Messages dated ahead of the recipient's clock: held until their time comes, if they are rightly signed. */
import { beforeEach, expect, test } from "vitest";
import { LIMITS } from "@sotto/protocol";
import { memoryStorage } from "../src/adapters/memory-storage.ts";
import { names } from "../src/core/records.ts";
import { vaultStore } from "../src/core/vault-store.ts";
import { alter, craft, deliver, flip } from "./support/forge.ts";
import { World, type TestPerson } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";
const EVE = "+15551230003";

let world: World;
let ann: TestPerson;
let ben: TestPerson;
beforeEach(async () => {
  world = await World.make();
  [ann, ben] = await Promise.all([world.person(ANN), world.person(BEN)]);
  await ann.start();
  await world.settle();
});

const now = () => Math.floor(world.clock.nowMs() / 1000);
const bodies = (person: TestPerson) => person.received.map((message) => message.body);
const text = (body: string) => ({ type: "text" as const, body, from: BEN });
const heldBy = async (person: TestPerson) =>
  (await vaultStore(person.vault, memoryStorage(new Map(person.rows))).page(names.held)).length;
const hourSec = 3_600;

test("a message dated an hour ahead is shown when its time comes, also after a restart, and holds up nothing until then", async () => {
  deliver(ann, (await craft(ben, ann, text("ahead"), { timestampSec: now() + hourSec })).json);
  deliver(ann, (await craft(ben, ann, text("on time"))).json);
  await world.during(ann.up.caughtUp());
  expect(bodies(ann)).toEqual(["on time"]);
  const until = now() + hourSec - LIMITS.maxClockSkewSec;
  const held = { type: "held", code: "message_from_future", until: expect.closeTo(until, -1) as number };
  expect(ann.notices).toMatchObject([held]);
  expect(world.server.inboxes.get(ann.inbox)?.entries).toEqual([]);

  await ann.stop();
  await ann.start();
  await world.during(ann.up.caughtUp());
  await world.settle(hourSec - LIMITS.maxClockSkewSec - 60);
  expect(bodies(ann)).toEqual([]);
  await world.settle(180);
  expect(bodies(ann)).toEqual(["ahead"]);
  // Told once: not again after the restart.
  expect(ann.notices).toEqual([]);
  expect(await heldBy(ann)).toBe(0);
  await ben.start();
  await world.settle();
  expect(await world.during(ben.up.contact(ANN))).toMatchObject({ accountId: ann.account });
});

test("what is not rightly signed is refused at once, whatever its date", async () => {
  const { json } = await craft(ben, ann, text("ahead"), { timestampSec: now() + hourSec });
  deliver(
    ann,
    alter(json, "signature", (value) => flip(value, 5)),
  );
  await world.settle();
  expect(ann.notices).toMatchObject([{ type: "refused", code: "signature_invalid" }]);
  expect(await heldBy(ann)).toBe(0);
});

test("the same one twice is shown once", async () => {
  const { json } = await craft(ben, ann, text("ahead"), { timestampSec: now() + hourSec });
  deliver(ann, json);
  deliver(ann, json);
  await world.settle(hourSec);
  expect(bodies(ann)).toEqual(["ahead"]);
});

test(
  "one account fills no disk: what is too much is refused, and others' is still held",
  { timeout: 60_000 },
  async () => {
    const eve = await world.person(EVE);
    const big = "x".repeat(60_000);
    for (let n = 0; n < 60; n++) {
      const plaintext = { type: "text" as const, body: big, from: EVE };
      deliver(ann, (await craft(eve, ann, plaintext, { timestampSec: now() + hourSec + n })).json);
    }
    deliver(ann, (await craft(ben, ann, text("ahead"), { timestampSec: now() + hourSec })).json);
    await world.settle(30);
    const refused = ann.notices.filter(
      (notice) => notice.type === "refused" && notice.code === "message_from_future",
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(await heldBy(ann)).toBe(61 - refused.length);
    await world.settle(hourSec + 120);
    expect(bodies(ann)).toContain("ahead");
    expect(bodies(ann)).toHaveLength(61 - refused.length);
  },
);
