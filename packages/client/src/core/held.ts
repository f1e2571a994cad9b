/**
 * Messages that came in and wait for the directory: their sender's list is unknown, too old, or does not name the key; or for their
 * time, when they are dated ahead. They are stored and acked, so that they neither get lost nor hold up others; those of one sender stay
 * in order. What strangers may have waiting is bounded.
 */
import { ValidationError, type ErrorCode } from "@sotto/protocol";
import { refuse, takeClassic, type Answers, type Verdict } from "./classic-inbound.ts";
import { findContact, peerName } from "./contacts.ts";
import { newEarly, nextDueSec, setAside, takeDue, type EarlyState } from "./early.ts";
import { noteClaimAnswered, type Purpose } from "./lookup-budget.ts";
import { addNotice } from "./notices.ts";
import { isUnbelievable, lookUp, type Found } from "./lookups.ts";
import { pauseMs } from "./reconnect.ts";
import { names, type HeldEntry } from "./records.ts";
import { isReady } from "./session.ts";
import { nextOrder, nowSec, type Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** How often a message is tried that fails by a fault of ours, before it is refused: it must not hold up others for ever. */
const mostFaults = 6;
/** Most that waits for lookups of accounts that are no contacts. Anybody can name any account as a message's sender. */
const mostOfStrangers = { entries: 1_000, bytes: 33_554_432 };
const earlyTimer = "held early";
// Clocks are put right now and then: looked at often, however far ahead the next one is dated.
const longestEarlyMs = 60_000;

/** What waits, by the account that claims to have sent it, and what waits for its time. */
export interface HeldState {
  readonly senders: Map<string, HeldSender>;
  readonly early: EarlyState;
}

interface HeldSender {
  readonly entries: HeldPlace[];
  /** Whether it was no contact when it began to wait. */
  readonly isStranger: boolean;
  /** Waits for a lookup or a timer. */
  busy: boolean;
  /** Waits since the lookups that strangers get are used up. */
  putOff: boolean;
  failures: number;
  /** How often the first entry failed by a fault of ours. */
  faults: number;
  /** What the directory said for the first entry. */
  answers: Answers;
}

interface HeldPlace {
  /** Its order among what is held. */
  readonly order: number;
  /** Its seq in the inbox. */
  readonly seq: number;
  readonly bytes: number;
}

/** Reads from the vault what waits. */
export async function loadHeld(view: View): Promise<HeldState> {
  const held: HeldState = { senders: new Map(), early: newEarly() };
  for (const { order, value } of await view.page(names.held)) {
    const sender = await senderOf(held, view, value.account);
    sender.entries.push({ order, seq: value.seq, bytes: value.classic.length });
  }
  return held;
}

async function senderOf(held: HeldState, view: View, account: string): Promise<HeldSender> {
  let sender = held.senders.get(account);
  if (sender === undefined) {
    const isStranger = (await findContact(view, { account })) === undefined;
    sender = { entries: [], isStranger, busy: false, putOff: false, failures: 0, faults: 0, answers: {} };
    held.senders.set(account, sender);
  }
  return sender;
}

/** Takes one message in, or holds it: behind others of its sender, or because the directory must be asked, or it is early. */
export async function takeOrHold(step: Step, entry: HeldEntry): Promise<void> {
  const { held } = step.live;
  const waits = held.senders.has(entry.account);
  const verdict = waits ? undefined : await takeClassic(step, entry, {});
  if (verdict?.type === "done") return;
  const place = { order: nextOrder(step), seq: entry.seq, bytes: entry.classic.length };
  if (verdict?.type === "early") return holdEarly(step, entry, place, verdict);
  const sender = await senderOf(held, step.draft, entry.account);
  if (sender.isStranger && isFullOfStrangers(held, place.bytes)) {
    if (sender.entries.length === 0) held.senders.delete(entry.account);
    const full = new ValidationError("rate_limited", "too many messages of strangers wait for lookups");
    if (!entry.again) await refuse(step, entry.account, full);
    return;
  }
  step.draft.putItem(names.held, place.order, entry);
  sender.entries.push(place);
}

function isFullOfStrangers(held: HeldState, bytes: number): boolean {
  const places = [...held.senders.values()].flatMap((sender) => (sender.isStranger ? sender.entries : []));
  const allBytes = places.reduce((sum, place) => sum + place.bytes, bytes);
  return places.length >= mostOfStrangers.entries || allBytes > mostOfStrangers.bytes;
}

/** Whether nothing that came up to this seq waits any more; what waits for its time, or for strangers' lookups, does not count. */
export function nothingHeldUpTo(held: HeldState, seq: number): boolean {
  return [...held.senders.values()].every(
    (sender) => sender.putOff || sender.entries.every((entry) => entry.seq > seq),
  );
}

// What is dated ahead

/** Stores a message until its time, and tells so; refuses it when that cannot be. */
async function holdEarly(
  step: Step,
  entry: HeldEntry,
  place: HeldPlace,
  { untilSec, refusal }: Extract<Verdict, { type: "early" }>,
): Promise<void> {
  const { early } = step.live.held;
  const { account } = entry;
  const isFirst = !early.bytes.has(account);
  if (!setAside(early, { ...place, account, untilSec }, nowSec(step))) {
    step.draft.deleteItem(names.held, place.order);
    if (!entry.again) await refuse(step, account, refusal);
    return;
  }
  step.draft.putItem(names.held, place.order, isFirst ? { ...entry, told: true } : entry);
  if (isFirst && entry.told !== true) await tellHeld(step, account, refusal.code, untilSec);
  wakeForEarly(step);
}

async function tellHeld(step: Step, account: string, code: ErrorCode, until: number): Promise<void> {
  const contact = await findContact(step.draft, { account });
  const from = contact === undefined ? account : peerName(contact);
  await addNotice(step, { type: "held", from, code, until });
}

function wakeForEarly(step: Step): void {
  const dueSec = nextDueSec(step.live.held.early);
  if (dueSec === undefined) return;
  const delayMs = Math.min(longestEarlyMs, Math.max(0, dueSec * 1000 - step.env.nowMs()));
  step.effects.push({ type: "timer", name: earlyTimer, delayMs, run: releaseDue });
}

async function releaseDue(step: Step): Promise<void> {
  const { held } = step.live;
  for (const { account, order, seq, bytes } of takeDue(held.early, nowSec(step))) {
    (await senderOf(held, step.draft, account)).entries.push({ order, seq, bytes });
  }
  await pumpHeld(step);
  wakeForEarly(step);
}

// Going on

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
    if (verdict.type === "early" && entry !== undefined) {
      await holdEarly(step, entry, next, verdict);
    } else if (verdict.type === "done") {
      step.draft.deleteItem(names.held, next.order);
    } else if (verdict.type !== "early") {
      return ask(step, account, sender, verdict);
    }
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
  question: Extract<Verdict, { type: "ask-account" | "ask-identifier" }>,
): Promise<void> {
  const before = question.type === "ask-account" ? sender.answers.account : sender.answers.identifier;
  if (before !== undefined) return retryLater(step, account, sender, before);
  sender.busy = true;
  const take = async (later: Step, found: Found): Promise<void> => {
    sender.busy = false;
    sender.putOff = false;
    if (!isReady(later)) {
      // The next connection goes on, and asks anew.
      sender.answers = {};
      return;
    }
    if (question.type === "ask-account") {
      sender.answers = { ...sender.answers, account: found };
    } else {
      if (found.type !== "failed" || isUnbelievable(found.error)) {
        noteClaimAnswered(later.live.lookups.budget, account, later.env.nowMs());
      }
      sender.answers = { ...sender.answers, identifier: found };
    }
    await pumpSender(later, account);
  };
  const purpose: Purpose = sender.isStranger ? "stranger" : "contact";
  const subject = question.type === "ask-account" ? { account } : { identifier: question.identifier };
  await lookUp(step, subject, take, purpose);
}

async function retryLater(step: Step, account: string, sender: HeldSender, failed: Found): Promise<void> {
  const hintMs = failed.type === "failed" ? failed.error.retryAfterMs : undefined;
  sender.busy = true;
  sender.failures += 1;
  sender.putOff = sender.isStranger && failed.type === "failed" && failed.error.code === "rate_limited";
  step.effects.push({
    type: "timer",
    name: `held ${account}`,
    delayMs: pauseMs(sender.failures, hintMs, step.env.random()),
    run: async (later) => {
      sender.busy = false;
      sender.answers = {};
      if (isReady(later)) await pumpSender(later, account);
    },
  });
}
