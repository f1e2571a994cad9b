/** "Is typing": encrypted and signed like a message, but fanned out to whoever is there, never stored, counted or receipted. */
import {
  activeDevices,
  encodeClassicPlaintext,
  newestClassicKey,
  parseClassicMessage,
  parseClassicPlaintext,
  protectClassic,
} from "@sotto/crypto";
import { EntryKind, SottoError, StorageError, toHex, utf8, type Device } from "@sotto/protocol";
import { isBarred } from "./barred.ts";
import { open } from "./classic-inbound.ts";
import { contactOfId, findContact, isBlocked, peerName } from "./contacts.ts";
import { isFresh, pinned } from "./directory.ts";
import { addressOf } from "./hex.ts";
import { lookUp } from "./lookups.ts";
import { inboxItem } from "./outbox.ts";
import { isSigningPaused, signingKey } from "./own-keys.ts";
import type { ContactRecord } from "./records.ts";
import { isReady, request } from "./session.ts";
import { notify, nowSec, type Step } from "./step.ts";

// Older than this, somebody is no longer typing; ahead by this, the clocks merely differ.
const freshSec = 30;
const pauseMs = 3_000;

/** Tells a contact's devices, if they are online and it was not told a moment ago. */
export async function sendTyping(step: Step, contact: ContactRecord): Promise<void> {
  const { account, id } = contact;
  const { typedAtMs } = step.live.session;
  if (account === undefined || !isReady(step)) return;
  const now = step.env.nowMs();
  if (now - (typedAtMs.get(id) ?? -Infinity) < pauseMs) return;
  typedAtMs.set(id, now);
  if (isFresh(step, await pinned(step, account))) return tell(step, id, account);
  await lookUp(step, { account }, async (later, found) => {
    if (found.type === "found") await tell(later, id, account);
  });
}

async function tell(step: Step, contactId: string, account: string): Promise<void> {
  const contact = await contactOfId(step.draft, contactId);
  const known = await pinned(step, account);
  if (contact === undefined || known === undefined || isSigningPaused(step.live.own)) return;
  const { list } = known.list;
  if (contact.account !== account || isBlocked(contact, list.identityKey) || !isReady(step)) return;
  for (const device of activeDevices(list)) await tellDevice(step, account, device);
}

async function tellDevice(step: Step, account: string, device: Device): Promise<void> {
  const { own } = step.live;
  const key = newestClassicKey(device);
  if (key === undefined) return;
  const message = await protectClassic(step.env.crypto, {
    sender: addressOf(own.account, own.device),
    recipient: addressOf(account, toHex(device.deviceId)),
    recipientKey: key.publicKey,
    senderPrivateKey: signingKey(own).privateKey,
    timestampSec: nowSec(step),
    plaintext: encodeClassicPlaintext({ type: "typing", from: own.identifier }),
  });
  request(
    step,
    (number) => ({
      case: "append",
      value: {
        $typeName: "sotto.v1.Append",
        request: number,
        logId: device.inboxId,
        accessToken: new Uint8Array(),
        epoch: 0n,
        kind: EntryKind.EPHEMERAL,
        body: inboxItem(message.json),
        nextTokenHash: new Uint8Array(),
        wakes: false,
      },
    }),
    async () => {},
  );
}

/** Takes in what was fanned out. Whatever is wrong with it, it is passed over: nothing is lost with it. */
export async function takeTyping(step: Step, classic: string): Promise<void> {
  try {
    const message = parseClassicMessage(utf8(classic));
    if (Math.abs(nowSec(step) - message.timestampSec) > freshSec) return;
    const account = toHex(message.sender.account);
    const contact = await findContact(step.draft, { account });
    const known = await pinned(step, account);
    if (contact === undefined || known === undefined || isBarred(contact)) return;
    const content = parseClassicPlaintext((await open(step, message, known.list)).plaintext);
    if (content.type === "typing") notify(step, { type: "typing", from: peerName(contact) });
  } catch (cause) {
    if (cause instanceof StorageError || !(cause instanceof SottoError)) throw cause;
  }
}
