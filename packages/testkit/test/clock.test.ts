import { expect, test } from "vitest";
import { VirtualClock } from "../src/index.ts";

test("timers fire in order of their time, then of their making", async () => {
  const clock = new VirtualClock(1_000);
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push(`c${clock.nowMs()}`));
  clock.setTimer(10, () => fired.push(`a${clock.nowMs()}`));
  clock.setTimer(10, () => fired.push(`b${clock.nowMs()}`));
  await clock.advance(15);
  expect(fired).toEqual(["a1010", "b1010"]);
  expect(clock.nowMs()).toBe(1_015);
  await clock.advance(5);
  expect(fired).toEqual(["a1010", "b1010", "c1020"]);
  expect(clock.pending).toBe(0);
});

test("a cancelled timer does not fire", async () => {
  const clock = new VirtualClock();
  let fired = false;
  clock.setTimer(1, () => (fired = true))();
  await clock.advance(10);
  expect(fired).toBe(false);
});

test("what a timer starts settles before the next one fires, and may set further timers", async () => {
  const clock = new VirtualClock(0);
  const order: string[] = [];
  clock.setTimer(1, () => {
    void (async () => {
      await Promise.resolve();
      await new Promise((resolve) => void setImmediate(resolve));
      order.push("settled");
      clock.setTimer(1, () => order.push(`further at ${clock.nowMs()}`));
    })();
  });
  clock.setTimer(3, () => order.push("next"));
  await clock.advance(5);
  expect(order).toEqual(["settled", "further at 2", "next"]);
});

test("advanceUntil stops with the condition, and gives up when it cannot come true", async () => {
  const clock = new VirtualClock(0);
  let ready = false;
  clock.setTimer(500, () => (ready = true));
  clock.setTimer(900, () => undefined);
  await clock.advanceUntil(() => ready);
  expect(clock.nowMs()).toBe(500);
  await expect(clock.advanceUntil(() => false, 1_000)).rejects.toThrow("did not come true");
});
