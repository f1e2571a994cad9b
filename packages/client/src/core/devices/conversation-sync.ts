/** What is decided about conversations, between the account's own devices. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConversationStateSchema, type ConversationState } from "@sotto/protocol";
import type { Decided, Decisions } from "../decisions.ts";
import { isDisplayName } from "../display-name.ts";
import type { GroupLive } from "../groups/state.ts";
import { bytesOf } from "../hex.ts";
import type { ContactRecord } from "../records.ts";
import type { Step } from "../step.ts";
import { sendSync } from "./own-group.ts";

type Where = MessageInitShape<typeof ConversationStateSchema>["conversation"];

/** How a conversation is named to other devices; undefined while nobody knows the contact's account. */
export function whereOf(
  subject: { readonly contact: ContactRecord } | { readonly group: GroupLive },
): Exclude<Where, undefined> | undefined {
  if ("group" in subject) return { case: "groupLogId", value: bytesOf(subject.group.record.id) };
  const { account } = subject.contact;
  return account === undefined ? undefined : { case: "peerAccountId", value: bytesOf(account) };
}

const flags = [
  "pinned",
  "archived",
  "markedUnread",
  "accepted",
  "blocked",
] as const satisfies readonly (keyof Decisions)[];

/** Tells the other devices what was decided here. */
export async function tellDecided(
  step: Step,
  subject: Parameters<typeof whereOf>[0],
  decided: Decided,
): Promise<void> {
  const value = conversationState(subject, decided);
  if (value !== undefined) await sendSync(step, { case: "conversation", value });
}

/** What other devices, and the backup, are told of a conversation; undefined where there is nothing to tell. */
export function conversationState(
  subject: Parameters<typeof whereOf>[0],
  decided: Decided | undefined,
): ConversationState | undefined {
  const conversation = whereOf(subject);
  const invitedBy = "group" in subject ? subject.group.record.invitedBy : undefined;
  if (conversation === undefined) return undefined;
  if (Object.keys(decided ?? {}).length === 0 && invitedBy === undefined) return undefined;
  return create(ConversationStateSchema, {
    conversation,
    ...toWire(decided ?? {}),
    ...(invitedBy !== undefined && { invitedBy: bytesOf(invitedBy) }),
  });
}

function toWire(decided: Decided): MessageInitShape<typeof ConversationStateSchema> {
  const wire: Record<string, unknown> = {};
  for (const [field, { value, atMs }] of Object.entries(decided)) {
    const said = typeof value === "string" ? { text: value } : { number: BigInt(value) };
    wire[field] = { decidedAtMs: BigInt(atMs), ...said };
  }
  return wire;
}

/** Reads decisions; what is out of range is passed over. */
export function fromWire(state: ConversationState): Decided {
  const read: Record<string, unknown> = {};
  for (const field of [...flags, "mutedUntil"] as const) {
    const decision = state[field];
    if (decision === undefined) continue;
    const [atMs, number] = [Number(decision.decidedAtMs), Number(decision.number)];
    if (!Number.isSafeInteger(atMs) || !Number.isSafeInteger(number)) continue;
    read[field] = { value: field === "mutedUntil" ? number : number === 1, atMs };
  }
  const { nickname } = state;
  const atMs = Number(nickname?.decidedAtMs ?? 0);
  if (
    nickname !== undefined &&
    Number.isSafeInteger(atMs) &&
    (nickname.text === "" || isDisplayName(nickname.text))
  ) {
    read["nickname"] = { value: nickname.text, atMs };
  }
  return read;
}
