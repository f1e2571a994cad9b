/** A message of the history as another own device keeps it: read, and checked as what comes from others is. Pure. */
import { ID_BYTES, LIMITS, ValidationError, toHex, utf8, type HistoryMessage } from "@sotto/protocol";
import type { MessageStatus } from "../../api.ts";
import { checkedAttachments } from "../attachments/wire.ts";
import { isEmoji } from "../emoji.ts";
import type { Receipts } from "../groups/records.ts";
import type { MessageRecord, ReactionRecord } from "../records.ts";

const statuses: readonly string[] = ["sent", "delivered", "received", "read"] satisfies MessageStatus[];
const latestMs = 253_402_300_799_999n;
const latestSec = latestMs / 1000n;

/** The record to keep; undefined for what is none. */
export function recordOf(message: HistoryMessage, ownAccount: string): MessageRecord | undefined {
  const { status, kind, outgoing } = message;
  if (!isId(message.id) || !statuses.includes(status) || !["", "timer", "unknown"].includes(kind)) {
    return undefined;
  }
  if (message.sentAtSec > latestSec || message.timerSec > LIMITS.maxTimerSec) return undefined;
  if (utf8(message.body).length > LIMITS.maxTextBytes) return undefined;
  const sender = isId(message.senderAccountId) ? toHex(message.senderAccountId) : undefined;
  const isMls = message.suite === "mls";
  const attachments = attachmentsOf(message);
  if (attachments === undefined) return undefined;
  return {
    id: toHex(message.id),
    direction: outgoing ? "out" : "in",
    body: message.body,
    // What another device of ours has, counts as seen.
    status: outgoing ? (status as MessageStatus) : "read",
    sentAt: Number(message.sentAtSec),
    ...(isMls && { suite: "mls" as const }),
    ...(sender !== undefined ? { sender } : outgoing && isMls ? { sender: ownAccount } : {}),
    ...(kind !== "" && { kind: kind as "timer" | "unknown" }),
    ...(kind === "timer" && { timer: message.timerSec }),
    ...richMembers(message),
    ...(attachments.length > 0 && { attachments }),
  };
}

/** undefined when they are none. */
function attachmentsOf({ attachments }: HistoryMessage): MessageRecord["attachments"] {
  try {
    if (attachments.length === 0) return [];
    // Small pictures do not travel here.
    return checkedAttachments(
      attachments.map((attachment) => ({ ...attachment, thumbnail: new Uint8Array() })),
    );
  } catch (cause) {
    if (cause instanceof ValidationError) return undefined;
    throw cause;
  }
}

function richMembers(message: HistoryMessage): Partial<MessageRecord> {
  const { replyTo, editId, editedAtMs, expiresAfterSec, expiresAtSec } = message;
  const reactions = reactionsOf(message);
  const quoted = replyTo?.message;
  const excerpt = replyTo?.excerpt ?? "";
  const fits = utf8(excerpt).length <= LIMITS.maxExcerptBytes;
  const disappears = expiresAfterSec > 0 && expiresAfterSec <= LIMITS.maxTimerSec;
  return {
    ...(quoted !== undefined &&
      isId(quoted.accountId) &&
      isId(quoted.messageId) &&
      fits && {
        replyTo: {
          account: toHex(quoted.accountId),
          id: toHex(quoted.messageId),
          ...(excerpt !== "" && { excerpt }),
        },
      }),
    ...(message.forwarded && { forwarded: true as const }),
    ...(message.deleted && { deleted: true as const }),
    ...(isId(editId) &&
      editedAtMs <= latestMs && { edited: { atMs: Number(editedAtMs), id: toHex(editId) } }),
    ...(reactions.length > 0 && { reactions }),
    ...(disappears && { expiresAfterSec }),
    ...(disappears && expiresAtSec > 0n && expiresAtSec <= latestSec && { expiresAt: Number(expiresAtSec) }),
  };
}

function reactionsOf({ reactions }: HistoryMessage): readonly ReactionRecord[] {
  return reactions
    .filter(({ accountId, id, emoji, sentAtMs }) => {
      const fits = emoji === "" || isEmoji(emoji);
      return isId(accountId) && isId(id) && sentAtMs <= latestMs && fits;
    })
    .map(({ accountId, id, emoji, sentAtMs }) => ({
      account: toHex(accountId),
      emoji,
      atMs: Number(sentAtMs),
      id: toHex(id),
    }));
}

/** Who has it; undefined when nothing is known. */
export function receiptsOf({ receipts }: HistoryMessage): Receipts | undefined {
  const known = receipts
    .filter(({ accountId }) => isId(accountId))
    .map(({ accountId, deliveredAtSec, readAtSec }): [string, Receipts[string]] => [
      toHex(accountId),
      {
        ...(isTime(deliveredAtSec) && { deliveredAt: Number(deliveredAtSec) }),
        ...(isTime(readAtSec) && { readAt: Number(readAtSec) }),
      },
    ]);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

const isTime = (seconds: bigint): boolean => seconds > 0n && seconds <= latestSec;
const isId = (bytes: Uint8Array): boolean => bytes.length === ID_BYTES;
