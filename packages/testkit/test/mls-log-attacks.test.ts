/**
 * A server that lies about a conversation's log, against whole clients: entries that it repeats, leaves out, turns around, swaps and makes
 * up, and places in the log that it makes up. Nothing is shown twice or as somebody else's, what is refused is told, and what it can do
 * by force, putting a device out of a group for a while, it can do only now and then.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EntryKind,
  EphemeralContentSchema,
  GroupEntrySchema,
  SignedEphemeralSchema,
  concatBytes,
  decode,
  toHex,
  type Entry,
} from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import type { SimulatedDevice } from "../src/simulation/index.ts";
import { serverFrame } from "../src/frames.ts";
import {
  Intruder,
  Scene,
  aboutLog,
  engine,
  groupOf,
  hasRead,
  mlsOf,
  provider,
  refusals,
  storedState,
} from "./support/mls-scene.ts";

let scene: Scene;
afterEach(() => scene.close());

const reads = (device: SimulatedDevice): readonly string[] => device.received.map(({ body }) => body);

/** Ann's group with Bob and Cleo, in which Bob hears what the liar tells. */
async function choir() {
  scene = await Scene.make();
  const [ann, bob, cleo] = await scene.people("ann", "bob", "cleo");
  await scene.world.during(ann.up.createGroup("Choir", [bob.identifier, cleo.identifier]));
  await scene.reaches(ann, "Choir", "hello", [bob, cleo]);
  // Everybody updates once after joining; that is over then.
  await scene.world.settle(60);
  return { ann, bob, cleo, id: (await groupOf(bob)).id };
}

/** After all lies everybody reads everybody. */
async function recovers(...devices: readonly SimulatedDevice[]): Promise<void> {
  scene.behave();
  for (const device of devices) scene.link(device).cut();
  await scene.world.until(async () => {
    for (const device of devices) {
      const group = (await device.groups()).find(({ state }) => state === "joined");
      if (group === undefined) return false;
    }
    return true;
  }, 7_200);
  await scene.world.settle(120);
  for (const [i, device] of devices.entries()) {
    const others = devices.filter((other) => other !== device);
    await scene.reaches(device, "Choir", `${i}: after all lies`, others);
  }
}

const garbage = (entry: Entry): Entry => ({
  ...entry,
  kind: EntryKind.MESSAGE,
  body: provider.randomBytes(300),
});

test("the server repeats a message: it is shown once, told as a replay, and no ratchet moves", async () => {
  const { ann, bob, cleo, id } = await choir();
  scene.lie(
    bob,
    aboutLog(id, (entry) => (entry.kind === EntryKind.MESSAGE ? [entry, entry, entry] : [entry])),
  );
  await scene.reaches(ann, "Choir", "once", [bob]);
  await scene.world.settle(10);
  expect(reads(bob).filter((body) => body === "once")).toEqual(["once"]);
  expect(new Set(refusals(bob))).toEqual(new Set(["message_replayed"]));
  await recovers(ann, bob, cleo);
});

test("the server shows a message again in a later epoch: refused", async () => {
  const { ann, bob, id } = await choir();
  const kept: Entry[] = [];
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (entry.kind === EntryKind.MESSAGE) kept.push(entry);
      return entry.kind === EntryKind.MESSAGE && kept.length > 1 ? [kept[0]!, entry] : [entry];
    }),
  );
  await scene.reaches(ann, "Choir", "in this epoch", [bob]);
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.reaches(ann, "Chorus", "in the next", [bob]);
  expect(reads(bob).filter((body) => body === "in this epoch")).toHaveLength(1);
  expect(refusals(bob)).toContain("mls_invalid");
});

test("the server leaves a message out: the gap is told when the epoch ends", async () => {
  const { ann, bob, id } = await choir();
  let left = 1;
  scene.lie(
    bob,
    aboutLog(id, (entry) => (entry.kind === EntryKind.MESSAGE && left-- > 0 ? [] : [entry])),
  );
  await ann.up.send("Choir", "never shown");
  await scene.world.settle(10);
  await scene.reaches(ann, "Choir", "shown", [bob]);
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.world.until(() => bob.notices.some(({ type }) => type === "gap"));
  expect(bob.notices.filter(({ type }) => type === "gap")).toEqual([
    { type: "gap", from: ann.identifier, count: 1 },
  ]);
});

test("the server turns messages of one epoch around: each is shown once, and nothing is lost", async () => {
  const { ann, bob, id } = await choir();
  const held: Entry[] = [];
  let released = false;
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (entry.kind !== EntryKind.MESSAGE) return [entry];
      held.push(entry);
      return released ? held.splice(0).toReversed() : [];
    }),
  );
  for (const body of ["one", "two", "three"]) {
    released = body === "three";
    await ann.up.send("Choir", body);
    await scene.world.settle(3);
  }
  await scene.world.until(() => hasRead(bob, "one"));
  expect(reads(bob).slice(1).toSorted()).toEqual(["one", "three", "two"]);
  expect(refusals(bob)).toEqual([]);
});

test("the server shows a message after the Commit that ended its epoch: refused, and told", async () => {
  const { ann, bob, id } = await choir();
  let late: Entry | undefined;
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (entry.kind === EntryKind.MESSAGE && late === undefined) {
        late = entry;
        return [];
      }
      return entry.kind === EntryKind.COMMIT && late !== undefined ? [entry, late] : [entry];
    }),
  );
  await ann.up.send("Choir", "too late");
  await scene.world.settle(5);
  await scene.world.during(ann.up.renameGroup("Choir", "Chorus"));
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)).toEqual(["mls_invalid"]);
  expect(hasRead(bob, "too late")).toBe(false);
  await scene.reaches(ann, "Chorus", "in time", [bob]);
});

test("the server shows a message of another group: refused, told, and the state is as before", async () => {
  const { ann, bob, cleo, id } = await choir();
  await scene.world.during(ann.up.createGroup("Other", [bob.identifier]));
  await scene.reaches(ann, "Other", "elsewhere", [bob]);
  await scene.world.settle(60);
  const other = (await bob.groups()).find((one) => one.id !== id)!;
  let foreign: Entry | undefined;
  const catching = aboutLog(other.id, (entry) => {
    if (entry.kind === EntryKind.MESSAGE) foreign = entry;
    return [entry];
  });
  scene.lie(bob, catching);
  await scene.reaches(ann, "Other", "stays there", [bob]);
  const before = await storedState(bob, id);
  scene.lie(
    bob,
    aboutLog(id, (entry) => (entry.kind === EntryKind.MESSAGE ? [foreign!] : [entry])),
  );
  await ann.up.send("Choir", "replaced on the way");
  await scene.world.until(() => refusals(bob).length > 0);
  expect(new Set(refusals(bob))).toEqual(new Set(["mls_invalid"]));
  expect(await storedState(bob, id)).toEqual(before);
  expect(hasRead(bob, "replaced on the way")).toBe(false);
  expect(reads(bob).filter((body) => body === "stays there")).toHaveLength(1);
  expect(cleo.alive).toBe(true);
});

test("the server makes entries up: each is told, none is taken, and the device is put right should it need that", async () => {
  const { ann, bob, cleo, id } = await choir();
  let made = 0;
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (entry.kind !== EntryKind.MESSAGE || made > 0) return [entry];
      made = 20;
      return Array.from({ length: made }, () => garbage(entry));
    }),
  );
  await ann.up.send("Choir", "lost in it");
  await scene.world.until(() => refusals(bob).length >= 20);
  expect(new Set(refusals(bob)).size).toBeLessThanOrEqual(2);
  await recovers(ann, bob, cleo);
});

test("a member writes garbage into the log: nobody loses the group by it", async () => {
  const { ann, bob, cleo, id } = await choir();
  const intruder = await Intruder.takeOver(scene, cleo);
  const group = await groupOf(cleo);
  for (let i = 0; i < 5; i++) {
    const value = provider.randomBytes(200);
    const entry = create(GroupEntrySchema, { entry: { case: "mlsMessage", value } });
    const body = toBinary(GroupEntrySchema, entry);
    // Others may have asked to be added anew by then: that is a Commit.
    const answer = await intruder.append(group, EntryKind.MESSAGE, body);
    expect(answer).toMatch(i < 3 ? /^appended$/ : /^(?:appended|epoch_ended)$/);
  }
  await scene.world.settle(5);
  expect((await groupOf(ann)).id).toBe(id);
  expect((await groupOf(bob)).id).toBe(id);
  await scene.world.settle(60);
  await scene.reaches(ann, "Choir", "we go on", [bob]);
  await scene.reaches(bob, "Choir", "so we do", [ann]);
});

test("the server makes a Commit up: it is told, nothing of it is taken, and the device is put right", async () => {
  const { ann, bob, cleo, id } = await choir();
  let once = false;
  scene.lie(
    bob,
    aboutLog(id, (entry) => {
      if (entry.kind !== EntryKind.MESSAGE || once) return [entry];
      once = true;
      return [{ ...garbage(entry), kind: EntryKind.COMMIT }];
    }),
  );
  await ann.up.send("Choir", "in its place");
  await scene.world.until(() => refusals(bob).length > 0);
  expect(refusals(bob)[0]).toMatch(/mls_invalid|malformed/);
  await recovers(ann, bob, cleo);
  expect(bob.notices.some(({ type }) => type === "healed")).toBe(true);
});

test("the server says that another's place in the log is ours: what stands there is read all the same", async () => {
  const { ann, bob } = await choir();
  // Bob's own message is said to have the number at which Ann's will stand: both others' receipts come between.
  let lied = false;
  scene.lie(bob, {
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "appended" || lied) return [told];
      lied = true;
      return [serverFrame({ case: "appended", value: { ...frame.value, seq: frame.value.seq + 3n } })];
    },
  });
  await bob.up.send("Choir", "mine");
  await scene.world.settle(5);
  expect(lied).toBe(true);
  await scene.reaches(ann, "Choir", "not to be passed over", [bob]);
  expect((await groupOf(bob)).state).toBe("joined");
});

/** How often a device asks others for help, or makes groups and claims KeyPackages, while the liar says this whenever it attaches. */
async function underLies(
  device: SimulatedDevice,
  lie: (attached: { cursorSeq: bigint; trimmedSeq: bigint; epoch: bigint; headSeq: bigint }) => object,
) {
  const counts = { attaches: 0, appends: 0, claims: 0, logs: 0 };
  const inbox = new Set<string>();
  scene.lie(device, {
    up: (told) => {
      const { frame } = told;
      if (frame.case === "attach") {
        if (frame.value.slotId.length === 0) inbox.add(toHex(frame.value.logId));
        else counts.attaches += 1;
      }
      if (frame.case === "append") counts.appends += 1;
      if (frame.case === "claimKeyPackages") counts.claims += 1;
      if (frame.case === "createLog") counts.logs += 1;
      return [told];
    },
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "attached" || inbox.has(toHex(frame.value.logId))) return [told];
      return [serverFrame({ case: "attached", value: { ...frame.value, ...lie(frame.value) } })];
    },
  });
  scene.link(device).cut();
  await scene.world.settle(3_600);
  return counts;
}

test.each([
  ["that the slot was acked further", () => ({ cursorSeq: 1_000_000n })],
  ["that entries are gone which were not read", () => ({ trimmedSeq: 1_000_000n })],
  ["of an epoch far ahead", () => ({ epoch: 2n ** 60n })],
  ["of entries far ahead", () => ({ headSeq: 2n ** 60n })],
])(
  "the server says %s: a group is given up a few times an hour at most, and then put right",
  async (_, lie) => {
    const { ann, bob, cleo } = await choir();
    const counts = await underLies(bob, lie);
    expect(counts.attaches).toBeLessThan(60);
    expect(counts.appends).toBeLessThan(60);
    expect(counts.claims).toBeLessThan(20);
    await recovers(ann, bob, cleo);
  },
);

test.each([
  ["that the slot was acked further", () => ({ cursorSeq: 1_000_000n })],
  ["that entries are gone which were not read", () => ({ trimmedSeq: 1_000_000n })],
])(
  "the server says %s of every pair: no endless row of new groups, and no KeyPackages used up",
  async (_, lie) => {
    scene = await Scene.make();
    const [ann, bob] = await scene.people("ann", "bob");
    await scene.reaches(ann, bob.identifier, "hello", [bob]);
    await scene.reaches(bob, ann.identifier, "hello back", [ann]);
    await scene.world.settle(60);
    await bob.up.send(ann.identifier, "held up");
    const counts = await underLies(bob, lie);
    expect(counts.logs).toBeLessThan(20);
    expect(counts.claims).toBeLessThan(20);
    scene.behave();
    scene.link(bob).cut();
    await scene.world.settle(1_800);
    await scene.reaches(bob, ann.identifier, "through at last", [ann]);
    await scene.reaches(ann, bob.identifier, "and back", [bob]);
  },
);

test("a device that lost a pair hears of what the other writes, though it writes nothing itself", async () => {
  scene = await Scene.make();
  const [ann, bob] = await scene.people("ann", "bob");
  await scene.reaches(ann, bob.identifier, "hello", [bob]);
  await scene.world.settle(60);
  let lied = false;
  scene.lie(bob, {
    down: (told) => {
      const { frame } = told;
      if (frame.case !== "attached" || frame.value.epoch === 0n || lied) return [told];
      lied = true;
      return [serverFrame({ case: "attached", value: { ...frame.value, cursorSeq: 1_000_000n } })];
    },
  });
  scene.link(bob).cut();
  await scene.world.until(() => lied);
  await scene.world.settle(30);
  await scene.reaches(ann, bob.identifier, "do you hear me?", [bob]);
  expect(bob.notices.filter(({ type }) => type === "healed")).toHaveLength(1);
});

test("typing cannot be forged: not by the server, nor by a member in another's name, nor from an older epoch", async () => {
  const { ann, bob, cleo, id } = await choir();
  const typed = () => bob.events.filter(({ type }) => type === "typing").length;
  const group = await groupOf(cleo);
  const mls = await mlsOf(cleo, id);
  const key = await engine.exportSecret(mls, "sotto/ephemeral/v1", new Uint8Array(), 32);
  const typing = (afterMs = 0) =>
    toBinary(
      EphemeralContentSchema,
      create(EphemeralContentSchema, {
        sentAtMs: BigInt(scene.world.clock.nowMs() + afterMs),
        body: { case: "typing", value: {} },
      }),
    );
  const seal = async (leafIndex: number, signature: Uint8Array, content = typing()) => {
    const nonce = provider.randomBytes(12);
    const plain = toBinary(SignedEphemeralSchema, create(SignedEphemeralSchema, { content, signature }));
    const sealed = await provider.aesGcmSeal(key, nonce, plain, new Uint8Array());
    const value = { leafIndex, sealed: new Uint8Array(Buffer.concat([nonce, sealed])) };
    return toBinary(GroupEntrySchema, create(GroupEntrySchema, { entry: { case: "ephemeral", value } }));
  };
  const heard: Entry[] = [];
  scene.lie(bob, {
    down: (told) => {
      if (told.frame.case === "entries") heard.push(...told.frame.value.entries);
      return [told];
    },
  });
  await ann.up.sendTyping("Choir");
  await scene.world.until(() => typed() === 1);
  const anns = mls.members.find((member) => toHex(member.accountId) === ann.account)!;
  const intruder = await Intruder.takeOver(scene, cleo);
  const forged = await seal(anns.leafIndex, provider.randomBytes(64));
  expect(await intruder.append(group, EntryKind.EPHEMERAL, forged)).toBe("appended");
  const made = create(GroupEntrySchema, {
    entry: { case: "ephemeral", value: { leafIndex: anns.leafIndex, sealed: provider.randomBytes(100) } },
  });
  const entry = { seq: 0n, epoch: BigInt(group.epoch), kind: EntryKind.EPHEMERAL };
  const logId = Uint8Array.from(Buffer.from(id, "hex"));
  const body = toBinary(GroupEntrySchema, made);
  scene.link(bob).toClient(serverFrame({ case: "entries", value: { logId, entries: [{ ...entry, body }] } }));
  await scene.world.settle(5);
  expect(typed()).toBe(1);

  // Who is in the group opens what Ann wrote, and can seal it again: as it was, and not with a byte more or less under her signature.
  const original = heard.find(({ kind }) => kind === EntryKind.EPHEMERAL)!;
  const { entry: genuine } = decode(GroupEntrySchema, original.body);
  if (genuine.case !== "ephemeral") throw new Error("no ephemeral item");
  const { sealed } = genuine.value;
  const plain = await provider.aesGcmOpen(key, sealed.subarray(0, 12), sealed.subarray(12), new Uint8Array());
  const { content: told, signature } = decode(SignedEphemeralSchema, plain);
  const content = Uint8Array.from(told);
  const unknownField = new Uint8Array([0x98, 0x06, 0x01]);
  const altered: Uint8Array<ArrayBuffer>[] = [
    typing(),
    concatBytes(content, unknownField),
    content.subarray(0, -2),
  ];
  for (const instead of altered) {
    const item = await seal(anns.leafIndex, signature, instead);
    expect(await intruder.append(group, EntryKind.EPHEMERAL, item)).toBe("appended");
  }
  await scene.world.settle(5);
  expect(typed()).toBe(1);
  const again = await seal(anns.leafIndex, signature, content);
  expect(await intruder.append(group, EntryKind.EPHEMERAL, again)).toBe("appended");
  await scene.world.until(() => typed() === 2);
});
