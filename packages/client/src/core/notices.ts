/**
 * Things that people must see. They are stored until somebody listens, so that none is lost while no face is open, and told once.
 * Identical retries of the network (message_replayed) are told only to whoever listens now.
 */
import type { Notice } from "../api.ts";
import { names } from "./records.ts";
import { nextOrder, notify, type Step } from "./step.ts";

// A server that floods us with refusable messages must not fill the disk; the first ones tell enough.
const mostStored = 1_000;

/** Stores a notice, and has it told. */
export async function addNotice(step: Step, notice: Notice): Promise<void> {
  if (step.live.notices >= mostStored) return;
  step.live.notices += 1;
  step.draft.putItem(names.notices, nextOrder(step), notice);
  step.effects.push({ type: "tell-notices" });
}

/** Tells a notice without storing it. */
export function passNotice(step: Step, notice: Notice): void {
  notify(step, { type: "notice", notice });
}

/** Tells the stored notices and forgets them. */
export async function tellNotices(step: Step): Promise<void> {
  for (const { order, value } of await step.draft.page(names.notices)) {
    notify(step, { type: "notice", notice: value });
    step.draft.deleteItem(names.notices, order);
  }
  step.live.notices = 0;
}
