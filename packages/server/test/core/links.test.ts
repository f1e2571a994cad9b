/** The desk for links alone: what it holds is bounded, and goes. */
import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { LIMITS, OpenLinkPayloadSchema, accountId, deviceId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { expect, test, vi } from "vitest";
import { MemoryTransient } from "../../src/adapters/memory-transient.ts";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { Links } from "../../src/core/links/desk.ts";

const many = { burst: 1_000_000, perHour: 0 };

function desk(maxLinkBytes: number) {
  const clock = { nowMs: 1_800_000_000_000 };
  const timers: (() => void)[] = [];
  const transient = new MemoryTransient(() => clock.nowMs, { maxLinkBytes });
  const links = new Links({
    transient,
    crypto: nodeCrypto,
    events: new Proxy({} as never, { get: () => () => undefined }),
    scheduler: {
      after(_delayMs, callback) {
        timers.push(callback);
        return () => void timers.splice(timers.indexOf(callback), 1);
      },
    },
    nowMs: () => clock.nowMs,
    limits: {
      opensPerAddress: many,
      answersPerAccount: many,
      missesPerAccount: many,
      missesPerAddress: many,
    },
  });
  const secret = new Uint8Array(randomBytes(32));
  const open = async (bytes: number) => {
    const offer = new Uint8Array(randomBytes(bytes));
    const linkId = new Uint8Array(randomBytes(16));
    const payload = { linkId, offer, secretHash: nodeCrypto.sha256(secret) };
    await links.open(create(OpenLinkPayloadSchema, payload), "192.0.2.1");
    return linkId;
  };
  const asker = {
    account: accountId(new Uint8Array(16)),
    device: deviceId(new Uint8Array(16)),
    address: "192.0.2.1",
  };
  const answer = (linkId: Uint8Array, bytes: number) =>
    links.answer(asker, { $typeName: "sotto.v1.AnswerLink", request: 1, linkId, answer: randomBytes(bytes) });
  const wait = (linkId: Uint8Array) =>
    links.await({ $typeName: "sotto.v1.AwaitLinkPayload", linkId, secret }, "192.0.2.1");
  return { links, transient, clock, timers, open, answer, wait };
}

test("offers and answers together stay within their bytes, and what expired makes room", async () => {
  const { transient, clock, open, answer } = desk(4_500);
  const full = expect.objectContaining({ code: "unavailable" });
  const first = await open(500);
  await open(500);
  await expect(open(2_000)).rejects.toThrow(full);
  await expect(answer(first, 2_000)).rejects.toThrow(full);
  await answer(first, 1_500);
  await expect(open(100)).rejects.toThrow(full);
  clock.nowMs += 600_000;
  for (let n = 0; n < 3; n++) await open(800);
  expect(transient.size("link")).toBe(3);
});

test("of offers that come at the same moment the same one is taken twice, another is refused", async () => {
  const { links } = desk(4_500);
  const linkId = randomBytes(16);
  const offer = (fill: number) =>
    links.open(
      create(OpenLinkPayloadSchema, {
        linkId,
        offer: new Uint8Array(100).fill(fill),
        secretHash: new Uint8Array(32),
      }),
      "192.0.2.1",
    );
  const answers = await Promise.allSettled([offer(1), offer(1), offer(2)]);
  expect(answers).toMatchObject([
    { value: LIMITS.linkLifetimeSec },
    { value: LIMITS.linkLifetimeSec },
    { reason: { code: "link_refused" } },
  ]);
});

test("no timer is left behind, whether the answer came, another waits, or the time is over", async () => {
  const { links, timers, open, answer, wait } = desk(100_000);
  const link = await open(10);
  const first = wait(link);
  await vi.waitFor(() => expect(timers.length).toBe(1));
  const second = wait(link);
  expect(await first).toBeUndefined();
  await vi.waitFor(() => expect(timers.length).toBe(1));
  await answer(link, 7);
  expect(await second).toHaveLength(7);
  expect(timers.length).toBe(0);

  const waiting = wait(await open(10));
  let looks = 0;
  for (let over = false; !over; looks++) {
    await vi.waitFor(() => expect(timers.length).toBe(1));
    timers.shift()?.();
    over = await Promise.race([waiting.then(() => true), settle().then(() => timers.length === 0)]);
  }
  expect(await waiting).toBeUndefined();
  expect(looks).toBe(LIMITS.linkPollMs / 500);

  const last = wait(await open(11));
  await vi.waitFor(() => expect(timers.length).toBe(1));
  links.close();
  expect(await last).toBeUndefined();
  expect(await wait(await open(12))).toBeUndefined();
  expect(timers.length).toBe(0);
});

test("an answer that another node took is found by looking again", async () => {
  const { transient, timers, open, wait } = desk(100_000);
  const link = await open(10);
  const waiting = wait(link);
  await vi.waitFor(() => expect(timers.length).toBe(1));
  await transient.swap("link-answer", link, undefined, Uint8Array.of(1, 2), 1_900_000_000_000);
  timers.shift()?.();
  expect(await waiting).toEqual(Uint8Array.of(1, 2));
});
