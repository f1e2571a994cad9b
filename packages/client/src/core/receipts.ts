/**
 * Receipts: what others say of our messages, and what we say of theirs. A receipt counts only for messages that went to the very
 * device that signed it; one that names any other message is refused as a whole.
 */
import { toHex } from "@sotto/protocol";
import type { ClassicReceipt } from "@sotto/crypto";
import { advanceStatus } from "./conversations.ts";
import { enqueueReceipt } from "./outbox-queue.ts";
import { names, type MessagePlace, type MessageRecord } from "./records.ts";
import { nowSec, type Step } from "./step.ts";

/** Takes a verified receipt of a device in; false when it speaks of messages that were not for that device. */
export async function takeReceipt(
  step: Step,
  account: string,
  device: string,
  receipt: ClassicReceipt,
): Promise<boolean> {
  const places: MessagePlace[] = [];
  for (const hash of receipt.of) {
    const copy = await step.draft.get(names.sentCopy(toHex(hash)));
    if (copy === undefined || copy.account !== account || copy.device !== device) return false;
    places.push(copy.place);
  }
  for (const place of places) await advanceStatus(step, place, receipt.status);
  return true;
}

/** Queues a receipt about an incoming message, for the device that sent it. */
export async function sendReceipt(
  step: Step,
  contact: string,
  status: "delivered" | "read",
  message: Pick<MessageRecord, "senderDevice" | "signatureHash">,
): Promise<void> {
  const { senderDevice: device, signatureHash: of } = message;
  if (device === undefined || of === undefined) return;
  await enqueueReceipt(step, { contact, device, status, of, sentAt: nowSec(step) });
}

/** Whether others may learn that their messages were read. */
export async function sendsReadReceipts(step: Step): Promise<boolean> {
  return (await step.draft.get(names.settings))?.readReceipts ?? true;
}
