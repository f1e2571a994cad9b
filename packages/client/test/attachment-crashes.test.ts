/**
 * Uploads in a simulated world: killed at each effect, in bad weather, on a server that loses what it had, of files that change. The message
 * comes once, with its files, or not at all; and never do two contents go out under one key and place.
 */
import { equalBytes, toHex } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { SimulatedWorld, type SimulatedDevice } from "@sotto/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { FileSource, Message } from "../src/api.ts";
import { bytesSource } from "../src/core/media/file-source.ts";

const random = new SeededRandom(11);
/** Kept in the vault, and larger than that: several windows. */
const small = random.bytes(300_000);
const large = random.bytes(8_500_000);
const slow = process.env["SOTTO_SLOW_TESTS"] !== undefined;

/** Everything that was ever sent of a blob, by its id and place: the same bytes each time. */
function watchParts(world: SimulatedWorld): { readonly conflicts: string[]; parts: number } {
  const seen = new Map<string, Uint8Array>();
  const told = { conflicts: [] as string[], parts: 0 };
  world.server.watchBlobs = ({ id, offset, bytes, size }) => {
    told.parts += 1;
    const key = toHex(id);
    const known = seen.get(key) ?? new Uint8Array(size);
    const before = known.subarray(offset, offset + bytes.length);
    // What was not sent yet is zeros: no sealed bytes are, in so many.
    for (let at = 0; at < bytes.length; at += 64) {
      const [was, is] = [before.subarray(at, at + 64), bytes.subarray(at, at + 64)];
      if (was.some((byte) => byte !== 0) && !equalBytes(was, is))
        told.conflicts.push(`${key} at ${offset + at}`);
    }
    known.set(bytes, offset);
    seen.set(key, known);
  };
  return told;
}

async function scene(seed: number) {
  const world = await SimulatedWorld.make(seed);
  const ann = await world.device("+15551230001");
  const ben = await world.device("+15551230002");
  for (const device of world.devices) await device.start();
  await world.settle();
  await ann.up.send(ben.identifier, "hello");
  await world.settle(60);
  ann.files.set("large", bytesSource(large));
  return { world, ann, ben, parts: watchParts(world) };
}

const sendBoth = (ann: SimulatedDevice, to: string): Promise<Message> =>
  ann.up.send(to, "files", {
    attachments: [
      { source: bytesSource(small), name: "small" },
      { source: ann.files.get("large") as FileSource, name: "large", reference: "large" },
    ],
  });

async function fetchAll(world: SimulatedWorld, ben: SimulatedDevice, { conversation, id }: Message) {
  const files: Uint8Array[] = [];
  for (const index of [0, 1]) {
    const parts: Uint8Array[] = [];
    const sink = {
      write: async (bytes: Uint8Array) => void parts.push(bytes),
      close: async () => {},
      abort: async () => {},
    };
    await world.during(ben.up.downloadAttachment(conversation, id, index, sink));
    files.push(Buffer.concat(parts));
  }
  return files;
}

const withFiles = ({ received }: SimulatedDevice): readonly Message[] =>
  received.filter(({ attachments }) => attachments !== undefined);

async function checkArrived(world: SimulatedWorld, ben: SimulatedDevice): Promise<void> {
  expect(withFiles(ben)).toHaveLength(1);
  const [one, other] = await fetchAll(world, ben, withFiles(ben)[0]!);
  expect([equalBytes(one!, small), equalBytes(other!, large)]).toEqual([true, true]);
}

describe("who sends files", () => {
  test.each(["before", "after"] as const)("is killed %s each effect", { timeout: 600_000 }, async (when) => {
    let kills = 0;
    const stride = slow ? 1 : 3;
    for (let effect = when === "before" ? 0 : 1; ; effect += stride) {
      const { world, ann, ben, parts } = await scene(effect + 1);
      let count = 0;
      ann.fate = () => (count++ === effect ? when : false);
      sendBoth(ann, ben.identifier).catch(() => undefined);
      await world.settle(10);
      const wasKilled = !ann.alive;
      ann.fate = () => false;
      if (wasKilled) await ann.start();
      await world.settle(300);
      expect([effect, parts.conflicts, world.server.failures]).toEqual([effect, [], []]);
      const kept = await ann.up.history(ben.identifier);
      const wasStored = kept.some(({ attachments }) => attachments !== undefined);
      expect([effect, withFiles(ben).length, kept.map(({ status }) => status).includes("queued")]).toEqual([
        effect,
        wasStored ? 1 : 0,
        false,
      ]);
      expect([effect, await world.server.blobCount()]).toEqual([effect, wasStored ? 2 : 0]);
      if (wasStored) await checkArrived(world, ben);
      if (!wasKilled) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(5);
  });
});

test(
  "in bad weather files arrive all the same, and are fetched all the same",
  { timeout: 300_000 },
  async () => {
    for (const seed of [1, 2, 3]) {
      const { world, ann, ben, parts } = await scene(seed);
      for (const device of [ann, ben]) {
        device.network.weather = { ...device.network.weather, unreachableChance: 0.25, breakChance: 0.05 };
      }
      await world.during(sendBoth(ann, ben.identifier));
      await world.until(() => withFiles(ben).length > 0, 3_600);
      await checkArrived(world, ben);
      expect(parts.conflicts).toEqual([]);
      expect(ann.network.counts.unreachable).toBeGreaterThan(3);
    }
  },
);

test(
  "a server that loses what it had gets all of it anew, under another key",
  { timeout: 300_000 },
  async () => {
    const { world, ann, ben, parts } = await scene(4);
    let lost = 0;
    const watch = world.server.watchBlobs;
    world.server.watchBlobs = (part) => {
      watch(part);
      // In the middle of the larger one, twice.
      if (part.size > 8_000_000 && part.offset > 4_000_000 && lost < 2) {
        lost += 1;
        void world.server.loseBlobs();
      }
    };
    await world.during(sendBoth(ann, ben.identifier));
    await world.until(() => withFiles(ben).length > 0, 3_600);
    expect([lost, parts.conflicts]).toEqual([2, []]);
    // The small one was there already, and is gone with the rest: only whoever sends can know that it must be sent again.
    const [, other] = await Promise.allSettled([0, 1].map((index) => fetchOne(world, ben, index)));
    expect(other).toMatchObject({ status: "fulfilled" });
  },
);

async function fetchOne(world: SimulatedWorld, ben: SimulatedDevice, index: number): Promise<void> {
  const { conversation, id } = withFiles(ben)[0]!;
  const sink = { write: async () => {}, close: async () => {}, abort: async () => {} };
  await world.during(ben.up.downloadAttachment(conversation, id, index, sink));
}

test(
  "a file that changes while the process is away fails its message, and nothing of it goes out",
  { timeout: 300_000 },
  async () => {
    const { world, ann, ben, parts } = await scene(5);
    let count = 0;
    const watch = world.server.watchBlobs;
    world.server.watchBlobs = (part) => {
      watch(part);
      if (part.size > 8_000_000 && part.offset > 2_200_000 && count++ === 0) ann.kill();
    };
    const sent = sendBoth(ann, ben.identifier);
    sent.catch(() => undefined);
    await world.settle(30);
    expect(ann.alive).toBe(false);
    ann.files.set("large", bytesSource(large.map((byte, i) => (i > 2_000_000 ? byte ^ 1 : byte))));
    await ann.start();
    await world.settle(300);
    expect(parts.conflicts).toEqual([]);
    expect(withFiles(ben)).toEqual([]);
    const message = (await ann.up.history(ben.identifier)).find(
      ({ attachments }) => attachments !== undefined,
    );
    expect(message).toMatchObject({ status: "failed", problem: "file_changed" });
    // Its files are nowhere: it stays as it is.
    await expect(ann.up.sendAgain(ben.identifier, message!.id)).rejects.toMatchObject({
      code: "file_changed",
    });
    expect(await ann.up.message(ben.identifier, message!.id)).toEqual(message);
    expect(await world.server.blobCount()).toBe(0);
  },
);
