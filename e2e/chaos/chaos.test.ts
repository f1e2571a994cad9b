/**
 * Three real nodes over one PostgreSQL and three NATS servers, under load, broken once in each way: nothing acknowledged is lost or doubled, every
 * log is linearizable, and everybody is served again. `npm run chaos` plays more and longer.
 */
import { expect, test } from "vitest";
import { play } from "./play.ts";
import { playable } from "./faults.ts";

const seed = Number(process.env["SOTTO_SEED"] ?? 20_261_129);

test("what was acknowledged is there, once and in order, whatever is broken under load", async () => {
  const played = await play({
    rounds: playable.length,
    seed,
    durations: { wellMs: 200, pauseMs: 2_500, cutMs: 1_000, otherMs: 700 },
  });
  expect(played.map(({ kind }) => kind).toSorted()).toEqual([...playable].sort());
  for (const { kind, result } of played) {
    console.log(
      `chaos: seed ${seed}, ${kind}: ${result.text}; ${result.acknowledged} acknowledged, ` +
        `silent for ${Math.round(result.silenceMs)} ms, all served after ${Math.round(result.recoveryMs)} ms`,
    );
    expect(result.wrong).toEqual([]);
    expect(result.acknowledged).toBeGreaterThan(20);
    expect(result.recoveryMs).toBeLessThan(45_000);
  }
}, 240_000);
