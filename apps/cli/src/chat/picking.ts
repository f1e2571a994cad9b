/** Picking a message to answer, react to, edit or delete: which one is next, and how far to scroll so that it is in sight. Pure. */
import type { Message } from "@sotto/client";
import { linesFrom } from "./lines.ts";
import type { Thread } from "./model.ts";

/** What the text that is being written is for, other than a new message. */
export type Aim =
  | { readonly type: "answer"; readonly message: Message }
  /** `before`: what was written until then. */
  | { readonly type: "edit"; readonly message: Message; readonly before: string };

/** Whether there is anything to be done with a message. */
const isPickable = ({ kind }: Message): boolean => kind !== "timer";

/** The message so many further down (or, below 0, up) that can be picked; from undefined the newest. */
export function pickFrom(thread: Thread, picked: string | undefined, by: number): string | undefined {
  const messages = thread.messages.filter(isPickable);
  const at = messages.findIndex(({ id }) => id === picked);
  const next = at === -1 ? messages.length - 1 : Math.max(0, Math.min(messages.length - 1, at + by));
  return messages[next]?.id;
}

/** The picked message, as long as it is there. */
export const pickedOf = (thread: Thread, picked: string | undefined): Message | undefined =>
  picked === undefined ? undefined : thread.messages.find(({ id }) => id === picked);

/** The scroll, as near to the present one as can be, that shows the picked message. */
export function scrollTo(
  thread: Thread,
  picked: string,
  view: { readonly columns: number; readonly rows: number; readonly scroll: number },
): number {
  const at = thread.messages.findIndex(({ id }) => id === picked);
  if (at === -1) return view.scroll;
  const below = linesFrom(thread, at + 1, view.columns).length;
  const height = linesFrom(thread, at, view.columns).length - below;
  const least = Math.max(0, below + Math.min(height, view.rows) - view.rows);
  return Math.max(least, Math.min(below, view.scroll));
}
