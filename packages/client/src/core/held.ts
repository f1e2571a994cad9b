/**
 * Messages that came in and wait for the directory: their sender's list is unknown, too old, or does not name the key. They are stored
 * and acked, so that they neither get lost nor hold up others; those of one sender stay in order.
 */
import { takeClassic, type Answers, type Verdict } from "./classic-inbound.ts";
import { lookUp, type Found } from "./lookups.ts";
import { backoffMs } from "./reconnect.ts";
import { names, type HeldEntry } from "./records.ts";
import { isReady } from "./session.ts";
import { nextOrder, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** How often a message is tried that fails by a fault of ours, before it is refused: it must not hold up others for ever. */
const mostFaults = 6;

/** What waits, by the account that claims to have sent it. */
export interface HeldState {
  readonly senders: Map<string, HeldSender>;
}

interface HeldSender {
  /** Orders of held entries, and the seq of each in the inbox. */
  readonly entries: { readonly order: number; readonly seq: number }[];
  /** Waits for a lookup or a timer. */
  busy: boolean;
  failures: number;
  /** How often the first entry failed by a fault of ours. */
  faults: number;
  /** What the directory said for the first entry. */
  answers: Answers;
}

/** Reads from the vault what waits. */
export async function loadHeld(view: View): Promise<HeldState> {
  const held: HeldState = { senders: new Map() };
  for (const { order, value } of await view.page(names.held)) {
    senderOf(held, value.account).entries.push({ order, seq: value.seq });
  }
  return held;
}

function senderOf(held: HeldState, account: string): HeldSender {
  let sender = held.senders.get(account);
  if (sender === undefined) {
    sender = { entries: [], busy: false, failures: 0, faults: 0, answers: {} };
    held.senders.set(account, sender);
  }
  return sender;
}

/** Takes one message in, or holds it: behind others of its sender, or because the directory must be asked. */
export async function takeOrHold(step: Step, entry: HeldEntry): Promise<void> {
  const { held } = step.live;
  const waits = held.senders.has(entry.account);
  if (!waits && (await takeClassic(step, entry, {})).type === "done") return;
  const order = nextOrder(step);
  step.draft.putItem(names.held, order, entry);
  senderOf(held, entry.account).entries.push({ order, seq: entry.seq });
}

/** Whether nothing that came up to this seq waits any more. */
export function nothingHeldUpTo(held: HeldState, seq: number): boolean {
  return [...held.senders.values()].every((sender) => sender.entries.every((entry) => entry.seq > seq));
}

/** Goes on with every sender who waits for nothing in particular. */
export async function pumpHeld(step: Step): Promise<void> {
  if (!isReady(step)) return;
  for (const account of step.live.held.senders.keys()) await pumpSender(step, account);
}

async function pumpSender(step: Step, account: string): Promise<void> {
  const { held } = step.live;
  const sender = held.senders.get(account);
  if (sender === undefined || sender.busy) return;
  for (let next = sender.entries[0]; next !== undefined; next = sender.entries[0]) {
    const entry = await step.draft.item(names.held, next.order);
    const verdict: Verdict =
      entry === undefined
        ? { type: "done" }
        : await takeClassic(step, entry, sender.answers, sender.faults >= mostFaults);
    if (verdict.type === "again") {
      sender.faults += 1;
      return retryLater(step, account, sender, { type: "failed", error: verdict.fault });
    }
    if (verdict.type !== "done") return ask(step, account, sender, verdict);
    step.draft.deleteItem(names.held, next.order);
    sender.entries.shift();
    sender.answers = {};
    sender.failures = 0;
    sender.faults = 0;
  }
  held.senders.delete(account);
}

async function ask(
  step: Step,
  account: string,
  sender: HeldSender,
  question: Exclude<Verdict, { type: "done" | "again" }>,
): Promise<void> {
  const before = question.type === "ask-account" ? sender.answers.account : sender.answers.identifier;
  if (before !== undefined) return retryLater(step, account, sender, before);
  sender.busy = true;
  const subject = question.type === "ask-account" ? { account } : { identifier: question.identifier };
  await lookUp(step, subject, async (later, found) => {
    sender.busy = false;
    if (!isReady(later)) {
      // The next connection goes on, and asks anew.
      sender.answers = {};
      return;
    }
    sender.answers =
      question.type === "ask-account"
        ? { ...sender.answers, account: found }
        : { ...sender.answers, identifier: found };
    await pumpSender(later, account);
  });
}

async function retryLater(step: Step, account: string, sender: HeldSender, failed: Found): Promise<void> {
  const hintMs = failed.type === "failed" ? (failed.error.retryAfterMs ?? 0) : 0;
  sender.busy = true;
  sender.failures += 1;
  step.effects.push({
    type: "timer",
    name: `held ${account}`,
    delayMs: Math.max(hintMs, backoffMs(sender.failures, step.env.random())),
    run: async (later) => {
      sender.busy = false;
      sender.answers = {};
      if (isReady(later)) await pumpSender(later, account);
    },
  });
}
