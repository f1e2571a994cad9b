/**
 * Encrypting what waits to be sent: one copy for each device in use of the recipient. A copy is made once and then only repeated,
 * byte for byte; it is made anew only when the device's key changed, and keeps its number.
 */
import {
  activeDevices,
  encodeClassicPlaintext,
  newestClassicKey,
  protectClassic,
  type ClassicPlaintext,
} from "@sotto/crypto";
import { LIMITS, UsageError, equalBytes, toHex, type Device, type DeviceList } from "@sotto/protocol";
import { messageAt } from "./conversations.ts";
import { addressOf } from "./hex.ts";
import { signingKey } from "./own-keys.ts";
import { names, type OutboxCopy, type OutboxItem } from "./records.ts";
import type { Step } from "./step.ts";

/** The copies of an item for the devices that its recipient has now; empty when there is no device with a usable key. */
export async function makeCopies(
  step: Step,
  item: OutboxItem,
  account: string,
  list: DeviceList,
): Promise<readonly OutboxCopy[]> {
  const copies: OutboxCopy[] = [];
  // A text that was deleted here goes out no more, where it was not encrypted yet.
  const isGone =
    item.content.type === "text" && (await messageAt(step.draft, item.content.place)) === undefined;
  for (const device of recipients(item, list)) {
    const id = toHex(device.deviceId);
    const key = newestClassicKey(device)?.publicKey;
    const before = item.copies?.find((copy) => copy.device === id);
    if (before !== undefined && (before.taken || key === undefined || equalBytes(before.key, key))) {
      copies.push(before);
    } else if (key !== undefined && !isGone) {
      copies.push(await makeCopy(step, item, account, device, key, before?.n));
    }
  }
  return copies;
}

/** A text goes to every device in use; a receipt to the device that the message came from. */
function recipients(item: OutboxItem, list: DeviceList): readonly Device[] {
  const active = activeDevices(list);
  const { content } = item;
  return content.type === "text"
    ? active
    : active.filter((device) => toHex(device.deviceId) === content.device);
}

async function makeCopy(
  step: Step,
  item: OutboxItem,
  account: string,
  device: Device,
  key: Uint8Array,
  numbered: number | undefined,
): Promise<OutboxCopy> {
  const { own } = step.live;
  const deviceId = toHex(device.deviceId);
  const n = numbered ?? (await takeNumber(step, account, deviceId));
  const message = await protectClassic(step.env.crypto, {
    sender: addressOf(own.account, own.device),
    recipient: addressOf(account, deviceId),
    recipientKey: key,
    senderPrivateKey: signingKey(own).privateKey,
    timestampSec: item.content.sentAt,
    plaintext: encodeClassicPlaintext(await plaintextOf(step, item, n)),
  });
  if (item.content.type === "text") {
    const sent = { place: item.content.place, account, device: deviceId };
    step.draft.put(names.sentCopy(toHex(message.hash)), sent);
  }
  return {
    device: deviceId,
    inbox: toHex(device.inboxId),
    key,
    n,
    envelope: message.json,
    taken: false,
  };
}

async function plaintextOf(step: Step, item: OutboxItem, n: number): Promise<ClassicPlaintext> {
  const { content } = item;
  const from = step.live.own.identifier;
  if (content.type === "receipt") {
    return { type: "receipt", status: content.status, of: content.of, from, n };
  }
  const body = (await messageAt(step.draft, content.place))?.body ?? "";
  return { type: "text", body, id: content.id, from, n };
}

async function takeNumber(step: Step, account: string, device: string): Promise<number> {
  const name = names.lastSentN(account, device);
  const n = ((await step.draft.get(name)) ?? 0) + 1;
  step.draft.put(name, n);
  return n;
}

/** Gives numbers back of copies that the server surely does not have, so that they leave no gap. */
export async function releaseNumbers(
  step: Step,
  account: string,
  copies: readonly OutboxCopy[],
): Promise<void> {
  for (const copy of copies) {
    const name = names.lastSentN(account, copy.device);
    if ((await step.draft.get(name)) === copy.n) step.draft.put(name, copy.n - 1);
  }
}

// What an envelope adds to the plaintext: base64 of 4 for 3, the other members, the protobuf frame.
const envelopeOverhead = 1_600;
const largestPlaintext = Math.floor(((LIMITS.maxEntryBytes - envelopeOverhead) / 4) * 3);

/** Refuses a text that will never fit. @throws UsageError `message_too_large`, `usage`. */
export function checkText(body: string, identifier: string): void {
  const id = "0".repeat(32);
  const n = Number.MAX_SAFE_INTEGER;
  const bytes = encodeClassicPlaintext({ type: "text", body, id, from: identifier, n });
  if (bytes.length > largestPlaintext) {
    throw new UsageError("message_too_large", "the text takes too many bytes once it is encoded");
  }
}
