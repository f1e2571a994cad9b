/** What is decided about conversations, between the account's own devices. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConversationStateSchema, type ConversationState } from "@sotto/protocol";
import type { Decided, Decisions } from "../decisions.ts";
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

const flags = ["pinned", "archived", "markedUnread"] as const satisfies readonly (keyof Decisions)[];

/** Tells the other devices what was decided here. */
export async function tellDecided(
  step: Step,
  subject: Parameters<typeof whereOf>[0],
  decided: Decided | undefined = {},
): Promise<void> {
  const conversation = whereOf(subject);
  if (conversation === undefined || Object.keys(decided).length === 0) return;
  const value = create(ConversationStateSchema, { conversation, ...toWire(decided) });
  await sendSync(step, { case: "conversation", value });
}

function toWire(decided: Decided): MessageInitShape<typeof ConversationStateSchema> {
  const wire: Record<string, unknown> = {};
  for (const [field, { value, atMs }] of Object.entries(decided)) {
    wire[field] = { decidedAtMs: BigInt(atMs), number: BigInt(value) };
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
  return read;
}
