/** Setting the timer of a conversation: a change of its group; with somebody to whom nothing was written yet, a wish for the pair to come. */
import { acceptContact } from "../accepting.ts";
import { knownContact, putContact } from "../contacts.ts";
import type { Engine } from "../engine.ts";
import type { ContactRecord } from "../records.ts";
import type { Step } from "../step.ts";
import { changeGroup } from "./commands.ts";
import { matchGroup } from "./overview.ts";
import { addIntent, intentGroup } from "./pending.ts";
import { freshId } from "./queue.ts";
import { addTimerLine, checkTimer, pairOf, timerOfContact } from "./timer.ts";

/** Sets the timer of a conversation. @throws as Messenger.setTimer. */
export async function setTimer(engine: Engine, name: string, seconds: number): Promise<void> {
  checkTimer(seconds);
  const { group, until } = await engine.run(async (step) => {
    const known = matchGroup(step, name);
    if (known !== undefined) return { group: known.record.id };
    return { until: await setWithContact(step, await knownContact(step.draft, name), seconds) };
  });
  if (group !== undefined) await changeGroup(engine, group, { type: "timer", seconds }, "mayRename");
  await until?.done;
}

async function setWithContact(
  step: Step,
  contact: ContactRecord,
  seconds: number,
): Promise<{ readonly done: Promise<void> } | undefined> {
  if (timerOfContact(step, contact) === seconds) return undefined;
  // They see it: it is an answer.
  const known = await acceptContact(step, contact);
  const pair = pairOf(step, known);
  if (pair !== undefined && pair.record.state !== "healing") {
    const order = addIntent(step, pair, { type: "timer", seconds });
    return { done: step.waiters.wait(intentGroup(order)) };
  }
  // The pair that will be made, or takes the place of the one that was lost, begins with it.
  const { timer: _, ...rest } = known;
  const wished = pair === undefined && seconds === 0 ? rest : { ...rest, timer: seconds };
  putContact(step, wished);
  await addTimerLine(step, { by: step.live.own.account, seconds, id: freshId(step) }, wished);
  return undefined;
}
