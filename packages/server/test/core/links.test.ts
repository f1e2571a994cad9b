/** The desk for links alone: what it holds is bounded, and goes. */
import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { OpenLinkPayloadSchema, accountId, deviceId } from "@sotto/protocol";
import { expect, test } from "vitest";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { Links } from "../../src/core/links/desk.ts";

const many = { burst: 1_000_000, perHour: 0 };

function desk(maxHeldBytes: number) {
  const clock = { nowMs: 1_800_000_000_000 };
  const timers: (() => void)[] = [];
  const links = new Links({
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
    maxHeldBytes,
  });
  const secret = new Uint8Array(randomBytes(32));
  const open = (bytes: number) => {
    const offer = new Uint8Array(randomBytes(bytes));
    const linkId = new Uint8Array(randomBytes(16));
    const payload = { linkId, offer, secretHash: nodeCrypto.sha256(secret) };
    links.open(create(OpenLinkPayloadSchema, payload), "192.0.2.1");
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
  return { links, clock, timers, open, answer, wait };
}

test("offers and answers together stay within their bytes, and what expired makes room", () => {
  const { links, clock, open, answer } = desk(4_000);
  const first = open(500);
  open(500);
  expect(() => open(2_000)).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(() => answer(first, 2_000)).toThrow(expect.objectContaining({ code: "unavailable" }));
  answer(first, 1_500);
  expect(() => open(100)).toThrow(expect.objectContaining({ code: "unavailable" }));
  clock.nowMs += 600_000;
  for (let n = 0; n < 3; n++) open(800);
  expect(links.size).toBe(3);
});

test("no timer is left behind, whether the answer came, another waits, or the link expired", async () => {
  const { links, clock, timers, open, answer, wait } = desk(100_000);
  const link = open(10);
  const first = wait(link);
  const second = wait(link);
  expect(await first).toBeUndefined();
  expect(timers.length).toBe(1);
  answer(link, 7);
  expect(await second).toHaveLength(7);
  expect(timers.length).toBe(0);

  const other = open(10);
  const waiting = wait(other);
  clock.nowMs += 600_000;
  open(10);
  expect(await waiting).toBeUndefined();
  expect(timers.length).toBe(0);

  const last = wait(open(11));
  links.close();
  expect(await last).toBeUndefined();
  expect(await wait(open(12))).toBeUndefined();
  expect(timers.length).toBe(0);
});
