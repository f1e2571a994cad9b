/** What strangers write must not use up the lookups that the person's own sending needs, nor fill the disk. */
import { beforeEach, expect, test } from "vitest";
import { toHex } from "@sotto/protocol";
import { alter, craft, deliver } from "./support/forge.ts";
import { World, type TestPerson } from "./support/world.ts";

const ANN = "+15551230001";
const BEN = "+15551230002";
const EVE = "+15551230003";

let world: World;
let ann: TestPerson;
let ben: TestPerson;
let eve: TestPerson;
/** Identifiers, or account ids, in the order in which the server was asked. */
let asked: string[];
beforeEach(async () => {
  world = await World.make();
  [ann, ben, eve] = await Promise.all([world.person(ANN), world.person(BEN), world.person(EVE)]);
  asked = [];
  world.server.refuse = (frame) => {
    if (frame.case === "lookup") {
      const { subject } = frame.value;
      asked.push(subject.case === "identifier" ? subject.value : toHex(subject.value ?? new Uint8Array()));
    }
    return undefined;
  };
  await ann.start();
  await ben.start();
  await world.settle();
  asked = [];
});

const stranger = (n: number) => n.toString(16).padStart(32, "0");
const claimed = (n: number) => `+1555777${String(n).padStart(4, "0")}`;

test("one account's claims cost one lookup an hour, and its messages come in all the same", async () => {
  const claim = async (n: number) =>
    deliver(ann, (await craft(eve, ann, { type: "text", body: `claim ${n}`, from: claimed(n) })).json);
  for (let n = 0; n < 20; n++) await claim(n);
  await world.settle(30);
  expect(ann.received).toHaveLength(20);
  expect(new Set(ann.received.map((message) => message.from))).toEqual(new Set([eve.account]));
  expect(asked.filter((subject) => subject.startsWith("+"))).toEqual([claimed(0)]);
  await world.settle(3_600);
  await claim(50);
  await world.settle();
  expect(asked.filter((subject) => subject.startsWith("+"))).toEqual([claimed(0), claimed(50)]);
});

test("messages in thousands of names cost a bounded number of lookups, do not pause sending, and hold up no catching up", async () => {
  const { json } = await craft(eve, ann, { type: "text", body: "spam" });
  for (let n = 0; n < 1_500; n++) {
    deliver(
      ann,
      alter(json, "sender_id", () => `${stranger(n)}.${stranger(n)}`),
    );
  }
  await world.settle(2);
  const { id } = await ann.up.send(BEN, "to somebody new", { suite: "classic" });
  await world.during(ann.up.whenSent(id));
  await world.during(ann.up.caughtUp());
  expect(asked.indexOf(BEN)).toBeGreaterThanOrEqual(0);
  expect(asked.length).toBeLessThan(250);
  await world.settle(5);
  expect(ben.received.map((message) => message.body)).toEqual(["to somebody new"]);
  // Beyond a thousand that wait, they are refused and told.
  const refused = ann.notices.filter((notice) => notice.type === "refused" && notice.code === "rate_limited");
  expect(refused.length).toBeGreaterThan(0);
  await ben.up.send(ANN, "and back", { suite: "classic" });
  await world.settle(5);
  expect(ann.received.map((message) => message.body)).toEqual(["and back"]);
}, 60_000);

test("what strangers made wait does not keep the person's own lookups waiting", async () => {
  // The server answers no lookups of accounts for a while.
  world.server.twist = (frame) =>
    frame.frame.case === "lookupResult" && !frame.frame.value.found ? [] : [frame];
  const { json } = await craft(eve, ann, { type: "text", body: "spam" });
  for (let n = 0; n < 100; n++) {
    deliver(
      ann,
      alter(json, "sender_id", () => `${stranger(n)}.${stranger(n)}`),
    );
  }
  await world.settle(1);
  expect(asked.length).toBeGreaterThan(5);
  await ann.up.send(BEN, "at once", { suite: "classic" });
  await world.settle(1);
  expect(asked).toContain(BEN);
  expect(ben.received.map((message) => message.body)).toEqual(["at once"]);
});

test("a limit of the server that strangers' claims ran into does not pause the person's own lookups", async () => {
  world.server.refuse = (frame) => {
    if (frame.case !== "lookup" || frame.value.subject.case !== "identifier") return undefined;
    asked.push(frame.value.subject.value);
    return frame.value.subject.value === BEN ? undefined : { code: "rate_limited", retryAfterMs: 600_000 };
  };
  deliver(ann, (await craft(eve, ann, { type: "text", body: "claim", from: claimed(1) })).json);
  await world.settle();
  expect(asked).toEqual([claimed(1)]);
  await ann.up.send(BEN, "at once", { suite: "classic" });
  await world.settle(5);
  expect(ben.received.map((message) => message.body)).toEqual(["at once"]);
});
