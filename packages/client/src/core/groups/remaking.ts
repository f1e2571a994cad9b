/** How often what was lost is made anew: at once, and then ever more seldom, since a server, or whoever can write in a log, can make us lose each. */
import type { Step } from "../step.ts";
import { groupNames } from "./records.ts";

const firstMs = 60_000;
const seldomMs = 3_600_000;
const forgottenMs = 86_400_000;

/** How long making a conversation's group anew has to wait, in milliseconds. */
export async function remakingPauseMs(step: Step, conversation: string): Promise<number> {
  const { count, agoMs } = await lately(step, conversation);
  const pauseMs = count === 0 ? 0 : Math.min(seldomMs, firstMs * 4 ** (count - 1));
  return agoMs < 0 ? 0 : Math.max(0, pauseMs - agoMs);
}

/** Notes that it is made anew now. */
export async function noteRemade(step: Step, conversation: string): Promise<void> {
  const { count } = await lately(step, conversation);
  step.draft.put(groupNames.remade(conversation), { count: count + 1, atMs: step.env.nowMs() });
}

async function lately(step: Step, conversation: string) {
  const before = (await step.draft.get(groupNames.remade(conversation))) ?? { count: 0, atMs: 0 };
  const agoMs = step.env.nowMs() - before.atMs;
  return { count: agoMs < 0 || agoMs >= forgottenMs ? 0 : before.count, agoMs };
}
