/**
 * Changes of messages that did not come yet: on a device that was linked a moment ago and has yet to get the history, or when a conversation
 * has two logs. They wait, a few of each account, for a week.
 */
import { names, type EarlyChange, type MessageChange, type MessageName } from "./records.ts";
import { nextOrder, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

const mostOfAccount = 32;
const mostInAll = 512;
const longestWaitMs = 7 * 86_400_000;

/** One that waits, by its place in the list. */
interface Waiting {
  readonly order: number;
  readonly target: MessageName;
  readonly by: string;
  readonly receivedAtMs: number;
}

/** What waits, oldest first. */
export type EarlyChanges = Waiting[];

/** Reads from the vault what waits. */
export async function loadEarlyChanges(view: View): Promise<EarlyChanges> {
  return (await view.page(names.earlyChanges)).map(({ order, value }) => waiting(order, value));
}

const waiting = (order: number, { change, receivedAtMs }: EarlyChange): Waiting => ({
  order,
  target: change.target,
  by: change.by,
  receivedAtMs,
});

/** Keeps a change until its message comes. When there are too many, the oldest go. */
export async function holdEarly(step: Step, conversation: string, change: MessageChange): Promise<void> {
  const { earlyChanges } = step.live;
  const receivedAtMs = step.env.nowMs();
  const order = nextOrder(step);
  const kept = { conversation, change, receivedAtMs };
  step.draft.putItem(names.earlyChanges, order, kept);
  earlyChanges.push(waiting(order, kept));
  forgetOld(step);
  const ofAccount = earlyChanges.filter(({ by }) => by === change.by);
  forget(step, [
    ...ofAccount.slice(0, Math.max(0, ofAccount.length - mostOfAccount)),
    ...earlyChanges.slice(0, Math.max(0, earlyChanges.length - mostInAll)),
  ]);
}

/** Takes out what waited for a message. */
export async function takeEarly(step: Step, { account, id }: MessageName): Promise<readonly EarlyChange[]> {
  if (step.live.earlyChanges.length === 0) return [];
  forgetOld(step);
  const due = step.live.earlyChanges.filter(({ target }) => target.id === id && target.account === account);
  const changes: EarlyChange[] = [];
  for (const { order } of due) {
    const change = await step.draft.item(names.earlyChanges, order);
    if (change !== undefined) changes.push(change);
  }
  forget(step, due);
  return changes;
}

function forgetOld(step: Step): void {
  const now = step.env.nowMs();
  forget(
    step,
    step.live.earlyChanges.filter(({ receivedAtMs }) => now - receivedAtMs > longestWaitMs),
  );
}

function forget(step: Step, gone: readonly Waiting[]): void {
  for (const one of gone) {
    step.draft.deleteItem(names.earlyChanges, one.order);
    const at = step.live.earlyChanges.indexOf(one);
    if (at >= 0) step.live.earlyChanges.splice(at, 1);
  }
}
