/**
 * Reading this device's inbox: from the server's cursor on, each entry in its turn, acked once it is stored. Entries have no holes in
 * their numbers; where one shows, the server is asked to begin again.
 */
import {
  EntryKind,
  InboxItemSchema,
  LIMITS,
  ValidationError,
  decode,
  equalBytes,
  fromUtf8,
  type Attached,
  type Entries,
  type Entry,
  type SealedItem,
} from "@sotto/protocol";
import { claimedSender, refuse } from "./classic-inbound.ts";
import { renewKeyPackages } from "./groups/key-packages.ts";
import { takeSealed } from "./groups/receiving.ts";
import { askWhetherIn } from "./groups/asking-whether-in.ts";
import { nothingHeldUpTo, takeOrHold } from "./held.ts";
import { bytesOf } from "./hex.ts";
import { names } from "./records.ts";
import { giveUp, request } from "./session.ts";
import type { Step } from "./step.ts";
import { takeTyping } from "./typing.ts";
import { groupsCaughtUp } from "./groups/level.ts";
import { noItemsHeld } from "./groups/held-items.ts";

/** The group of callers who wait until the inbox was taken in. */
export const CAUGHT_UP = "caught up";

/** How often the server is asked to begin again at one place before a hole in its numbers is taken as it is. */
const mostRestarts = 10;
const rereadTimer = "reread";
const rereadMs = 2_000;

/** Begins to read, or begins anew. */
export function attach(step: Step): void {
  const { own, session } = step.live;
  session.attaching = true;
  request(
    step,
    (number) => ({
      case: "attach",
      value: {
        $typeName: "sotto.v1.Attach",
        request: number,
        logId: bytesOf(own.inbox),
        slotId: new Uint8Array(),
        accessToken: new Uint8Array(),
        epoch: 0n,
        // From the server's own cursor on: it knows what we acked. Were it restored from an older copy, its numbers would start
        // again behind ours; what we have is known by the signatures.
        afterSeq: 0n,
        window: 0,
      },
    }),
    async (later, given) => {
      if (given.type === "attached") await onAttached(later, given.attached);
      else if (given.type === "refused") giveUp(later, given.error);
    },
  );
}

async function onAttached(step: Step, attached: Attached): Promise<void> {
  const { session } = step.live;
  session.attaching = false;
  session.head ??= safeNumber(attached.headSeq);
  session.read = safeNumber(attached.trimmedSeq);
  // Numbers that were given out, and then again: what comes with them is new, and counts as such.
  if (session.head < session.cursor) {
    moveCursor(step, session.head);
    // It may hand out KeyPackages again as well.
    await renewKeyPackages(step);
  }
  await noteMissed(step, Math.max(session.read, safeNumber(attached.cursorSeq)));
  if (session.passedOver <= session.read) return;
  // They come again now; unless they were of this very reading, and overtook its beginning.
  step.effects.push({
    type: "timer",
    name: rereadTimer,
    delayMs: rereadMs,
    run: async (later) => {
      const { phase, attaching, passedOver, read } = later.live.session;
      if (phase === "online" && !attaching && passedOver > read) restart(later);
    },
  });
}

/** What this device acked and does not know: it was put back to an older copy; or it stayed away so long that entries expired. */
async function noteMissed(step: Step, seq: number): Promise<void> {
  if (seq <= step.live.session.cursor) return;
  moveCursor(step, seq);
  // Those of the copy are used up.
  await renewKeyPackages(step);
  await askWhetherIn(step);
}

/** Takes entries in. */
export async function onEntries(step: Step, { logId, entries }: Entries): Promise<void> {
  const { own, session } = step.live;
  if (!equalBytes(logId, bytesOf(own.inbox))) return;
  let last: number | undefined;
  for (const entry of entries) {
    if (entry.kind === EntryKind.EPHEMERAL) {
      const classic = classicOf(entry);
      if (classic !== undefined) await takeTyping(step, classic);
      continue;
    }
    const seq = safeNumber(entry.seq);
    if (isOutOfTurn(step, seq)) break;
    await onEntry(step, entry, seq);
    if (seq > session.cursor) moveCursor(step, seq);
    session.read = Math.max(session.read, seq);
    last = seq;
  }
  if (last === undefined) return;
  step.effects.push({
    type: "send",
    frame: {
      case: "ack",
      value: {
        $typeName: "sotto.v1.Ack",
        logId: bytesOf(own.inbox),
        slotId: new Uint8Array(),
        seq: BigInt(last),
      },
    },
  });
}

/**
 * Whether an entry must not be taken now: it belongs to reading that is being begun anew, or others before it are missing. Entries
 * have no holes in their numbers, so the server is asked to begin again; a hole that stays is taken as it is, and shows in `n`.
 */
function isOutOfTurn(step: Step, seq: number): boolean {
  const { session } = step.live;
  if (session.attaching) {
    session.passedOver = Math.max(session.passedOver, seq);
    return true;
  }
  if (seq <= session.read + 1) return false;
  return restart(step);
}

/** Begins reading anew, unless that was tried often enough at this place. */
function restart(step: Step): boolean {
  const { session } = step.live;
  if (session.restarts.at !== session.read) session.restarts = { at: session.read, count: 0 };
  if (session.restarts.count >= mostRestarts) return false;
  session.restarts.count += 1;
  attach(step);
  return true;
}

async function onEntry(step: Step, entry: Entry, seq: number): Promise<void> {
  const sealed = sealedOf(entry);
  if (sealed !== undefined) {
    if (await isNew(step, entry, seq)) await takeSealed(step, seq, sealed);
    return;
  }
  const classic = classicOf(entry);
  const account = classic === undefined ? undefined : claimedSender(classic);
  // Its ack may have been lost; then it was dealt with before, and must not be told of again.
  const again = seq <= step.live.session.cursor;
  if (classic === undefined || account === undefined) {
    if (again) return;
    return refuse(step, undefined, new ValidationError("message_refused", "no message of a known form"));
  }
  await takeOrHold(step, { seq, classic, account, receivedAtMs: step.env.nowMs(), again });
}

/**
 * Whether a sealed item was not taken before: its ack may have been lost, and it comes again; but a server that was restored from an older
 * copy gives numbers out again, for what we never had.
 */
async function isNew(step: Step, entry: Entry, seq: number): Promise<boolean> {
  const hash = await step.env.crypto.sha256(entry.body);
  if (seq <= step.live.session.cursor) {
    const before = await step.draft.item(names.sealedItems, seq);
    if (before !== undefined && equalBytes(before, hash)) return false;
  }
  step.draft.putItem(names.sealedItems, seq, hash);
  // What is further back was acked, and does not come again.
  const old = await step.draft.page(names.sealedItems, { below: seq - LIMITS.maxWindow, limit: 16 });
  for (const { order } of old) step.draft.deleteItem(names.sealedItems, order);
  return true;
}

function classicOf(entry: Entry): string | undefined {
  try {
    const { item } = decode(InboxItemSchema, entry.body, LIMITS.maxEntryBytes);
    return item.case === "classic" ? fromUtf8(item.value) : undefined;
  } catch {
    return undefined;
  }
}

function sealedOf(entry: Entry): SealedItem | undefined {
  try {
    const { item } = decode(InboxItemSchema, entry.body, LIMITS.maxEntryBytes);
    return item.case === "sealed" ? item.value : undefined;
  } catch {
    return undefined;
  }
}

function moveCursor(step: Step, seq: number): void {
  step.live.session.cursor = seq;
  step.draft.put(names.cursor, seq);
}

/** A seq as a number. @throws ValidationError `malformed` for one that no honest log reaches. */
function safeNumber(seq: bigint): number {
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) throw new ValidationError("malformed", "a seq is out of range");
  return Number(seq);
}

/** Whether all that the server held at the time of connecting was taken in. */
export function isCaughtUp(step: Step): boolean {
  const { session, held, heldItems } = step.live;
  const { head } = session;
  if (session.phase !== "online" || head === undefined) return false;
  // Not the cursor: a server that was restored numbers anew, below what was read before.
  if (session.read < head) return false;
  return nothingHeldUpTo(held, head) && noItemsHeld(heldItems) && groupsCaughtUp(step);
}

/** Lets go who waited for the inbox. */
export function settleCaughtUp(step: Step): void {
  if (step.waiters.has(CAUGHT_UP) && isCaughtUp(step)) {
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(CAUGHT_UP) });
  }
}
