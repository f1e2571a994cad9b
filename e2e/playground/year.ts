/** A year of what was said, drawn from a seed: when, where, by whom. */
import { circles, type Who } from "./cast.ts";
import { exchanges, gaps, type Exchange } from "./talk.ts";

/** Something that is said. */
export interface Said {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
  readonly from: Who;
  /** A group's name, or the other person. */
  readonly to: string | Who;
  /** Who hears it. */
  readonly others: readonly Who[];
  readonly text: string;
  /** Whether it answers the line before it in its conversation. */
  readonly answers: boolean;
  readonly reactions: readonly (readonly [Who, string])[];
}

const dayMs = 86_400_000;

/** Numbers in [0, 1) from a seed, the same each time (mulberry32). */
function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What was said in the `days` until `untilMs`, oldest first. */
export function yearOf(untilMs: number, days: number, seed: number): readonly Said[] {
  const draw = drawFrom(seed);
  const one = <T>(from: readonly T[]): T => from[Math.floor(draw() * from.length)] as T;
  const fill = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (_, gap: string) => one(gaps[gap] ?? [gap]));
  const said: Said[] = [];
  for (let day = days; day >= 1; day--) {
    const morning = untilMs - day * dayMs - (untilMs % dayMs) + 7 * 3_600_000;
    const todays = draw() < 0.25 ? 0 : 1 + Math.floor(draw() * 3);
    let atMs = morning;
    for (let n = 0; n < todays; n++) {
      atMs += Math.floor(draw() * 4 * 3_600_000);
      const exchange = one(exchanges);
      for (const { who, text, answers = false, reactions = [] } of exchange.lines) {
        atMs += 20_000 + Math.floor(draw() * 240_000);
        said.push({ atMs, from: who, ...audience(exchange, who), text: fill(text), answers, reactions });
      }
    }
  }
  return said;
}

function audience({ where }: Exchange, from: Who): Pick<Said, "to" | "others"> {
  if (typeof where !== "string") {
    const other = where[0] === from ? where[1] : where[0];
    return { to: other, others: [other] };
  }
  const circle = circles.find(({ name }) => name === where);
  if (circle === undefined) throw new Error(`no group is called ${where}`);
  return { to: where, others: circle.members.filter((member) => member !== from) };
}
