/**
 * The timer of a conversation: how long new texts are kept. The group's data say it, so it changes by a Commit that everybody holds against the
 * group's rules; each text carries what held when it was written.
 */
import { LIMITS, UsageError, toHex, utf8 } from "@sotto/protocol";
import { addGroupMessage, addMessage } from "../adding.ts";
import { contactOf, toMessage } from "../conversations.ts";
import { putContact } from "../contacts.ts";
import { findPlace } from "../message-names.ts";
import type { ContactRecord, MessageRecord } from "../records.ts";
import { notify, nowSec, type Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import { addIntent, settleIntents } from "./pending.ts";
import { groupNames } from "./records.ts";
import { pairGroups, type GroupLive } from "./state.ts";

/** A number of seconds that messages can be kept for; 0: for good. @throws UsageError `usage`. */
export function checkTimer(seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > LIMITS.maxTimerSec) {
    throw new UsageError("usage", "a timer has 1 second to 365 days, or is off");
  }
  return seconds;
}

/** How long texts to a contact are kept, in seconds; 0: for good. */
export function timerOfContact(step: Pick<Step, "live">, contact: ContactRecord): number {
  const pair = pairOf(step, contact);
  return pair === undefined ? (contact.timer ?? 0) : parseGroupData(pair.record.data).timerSec;
}

/** The pair that is written in, or will be once it is there or put right. */
export function pairOf(
  step: Pick<Step, "live">,
  { conversations, account }: ContactRecord,
): GroupLive | undefined {
  const pairs = pairGroups(step, conversations).filter(
    ({ record }) => account !== undefined && record.accounts.includes(account),
  );
  return (
    pairs.find(({ record }) => record.state === "joined") ??
    pairs.find(({ record }) => record.state === "creating") ??
    pairs[0]
  );
}

/** Shows that a Commit, or a Welcome, changed the timer. */
export async function noteTimer(
  step: Step,
  group: GroupLive,
  change: { readonly by: string; readonly before: number; readonly after: number },
): Promise<void> {
  const { kind, id: groupId, epoch, conversation } = group.record;
  if (change.before === change.after || kind === "account") return;
  // The same on every device of this account, which tell each other their history.
  const hash = await step.env.crypto.sha256(utf8(`timer ${groupId} ${epoch}`));
  const line = { by: change.by, seconds: change.after, id: toHex(hash.subarray(0, 16)) };
  if ((await findPlace(step.draft, { account: change.by, id: line.id })) !== undefined) return;
  const contact = kind === "pair" ? await contactOf(step.draft, conversation) : undefined;
  await addTimerLine(step, line, contact ?? group);
}

/** Shows a line about the timer. @param id 32 hexadecimal digits. */
export async function addTimerLine(
  step: Step,
  { by, seconds, id }: { readonly by: string; readonly seconds: number; readonly id: string },
  where: ContactRecord | GroupLive,
): Promise<void> {
  const isOwn = by === step.live.own.account;
  const record: MessageRecord = {
    id,
    direction: isOwn ? "out" : "in",
    body: "",
    kind: "timer",
    timer: seconds,
    status: isOwn ? "sent" : "read",
    sentAt: nowSec(step),
    suite: "mls",
    sender: by,
  };
  const { own } = step.live;
  if ("record" in where) {
    const place = await addGroupMessage(step, where, record);
    const message = await toMessage(step.draft, own, undefined, place, record);
    return notify(step, { type: "message", message });
  }
  const place = await addMessage(step, where, by, record);
  notify(step, { type: "message", message: await toMessage(step.draft, own, where, place, record) });
}

/** A pair takes the place of another, or is new: what was wished for and is not so yet is wished for there. */
export async function moveTimerWish(step: Step, to: GroupLive, from: GroupLive | undefined): Promise<void> {
  let wish: number | undefined;
  for (const order of from?.intents.slice() ?? []) {
    const intent = from && (await step.draft.item(groupNames.intents(from.record.id), order));
    if (from === undefined || intent?.type !== "timer") continue;
    wish = intent.seconds;
    await settleIntents(step, from, [order]);
  }
  const contact = await contactOf(step.draft, to.record.conversation);
  if (contact?.timer !== undefined) {
    wish ??= contact.timer;
    const { timer: _, ...rest } = contact;
    putContact(step, rest);
  }
  if (wish === undefined || wish === parseGroupData(to.record.data).timerSec) return;
  addIntent(step, to, { type: "timer", seconds: wish });
}
