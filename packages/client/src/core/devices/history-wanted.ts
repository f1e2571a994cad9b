/**
 * Whether a linked device was offered all of a history. Until then it asks for another when it may have lost an offer: once others put right
 * what it had lost of the group of the account's devices, where offers come, and now and then when it connects.
 */
import { toHex, type HistoryOffer } from "@sotto/protocol";
import { names } from "../records.ts";
import type { Step } from "../step.ts";
import { sendSync } from "./own-group.ts";

/** What a linked device was offered. */
export interface HistoryAwaited {
  /** When it was linked, or asked last. */
  readonly sinceMs: number;
  /** How often it asked. */
  readonly asked: number;
  /** Parts by their history's id; empty once it was offered all of one. */
  readonly parts: Readonly<Record<string, readonly number[]>>;
  readonly complete: boolean;
}

const seldomMs = 86_400_000;
/** Each answer may be the whole history. */
const mostAsked = 10;

/** What a device awaits that was let in now. */
export const awaitedFrom = (nowMs: number): HistoryAwaited => ({
  sinceMs: nowMs,
  asked: 0,
  parts: {},
  complete: false,
});

/** Takes note of an offer that is kept. */
export async function noteOffered(step: Step, { historyId, part, parts }: HistoryOffer): Promise<void> {
  const awaited = await step.draft.get(names.historyAwaited);
  if (awaited === undefined || awaited.complete) return;
  const id = toHex(historyId);
  const offered = [...new Set([...(awaited.parts[id] ?? []), part])];
  const complete = offered.length === parts;
  step.draft.put(names.historyAwaited, {
    ...awaited,
    parts: complete ? {} : { ...awaited.parts, [id]: offered },
    complete,
  });
}

/** An offer is given up: what it was for is not to be had. */
export async function noteOfferLost(step: Step): Promise<void> {
  const awaited = await step.draft.get(names.historyAwaited);
  if (awaited === undefined) return;
  step.draft.put(names.historyAwaited, { ...awaited, parts: {}, complete: false });
  await askForHistory(step);
}

/** Asks whoever let this device in for the history, if not all of it was offered. */
export async function askForHistory(step: Step): Promise<void> {
  const awaited = await step.draft.get(names.historyAwaited);
  if (awaited === undefined || awaited.complete || awaited.asked >= mostAsked) return;
  const isSent = await sendSync(step, {
    case: "historyWanted",
    value: { $typeName: "sotto.v1.HistoryWanted" },
  });
  if (!isSent) return;
  step.draft.put(names.historyAwaited, {
    ...awaited,
    sinceMs: step.env.nowMs(),
    asked: awaited.asked + 1,
  });
}

/** The same, if a day went by since it was linked or asked. */
export async function askAgainForHistory(step: Step): Promise<void> {
  const awaited = await step.draft.get(names.historyAwaited);
  const agoMs = step.env.nowMs() - (awaited?.sinceMs ?? 0);
  if (agoMs < 0 || agoMs >= seldomMs) await askForHistory(step);
}
