/**
 * Taking classic messages in: the checks of the protocol in its order, then what the message says. A message that fails is refused
 * with a notice and never shown; one that needs the directory says what to ask, and is tried again with the answer.
 * @see spec/PROTOCOL.md "Receiving: checks in order"
 */
import {
  parseClassicMessage,
  parseClassicPlaintext,
  unprotectClassic,
  type ClassicPlaintext,
  type ClassicUnknown,
  type UnverifiedClassicMessage,
  type VerifiedClassicMessage,
  type VerifiedDeviceList,
} from "@sotto/crypto";
import {
  CodecError,
  InternalError,
  LIMITS,
  SottoError,
  StorageError,
  parseIdentifier,
  toHex,
  ValidationError,
  utf8,
  type ErrorCode,
} from "@sotto/protocol";
import { addMessage } from "./adding.ts";
import { isBarredAccount } from "./barred.ts";
import { bindIdentifier, ensureContact, findContact, peerName, putContact } from "./contacts.ts";
import { contactOf, toMessage, MESSAGE_IN } from "./conversations.ts";
import { wasDeletedAhead } from "./deleting.ts";
import { isFresh, pinned } from "./directory.ts";
import { countMessage } from "./gaps.ts";
import { addressOf } from "./hex.ts";
import { mayAskClaim } from "./lookup-budget.ts";
import { isUnbelievable, type Found } from "./lookups.ts";
import { addNotice, passNotice } from "./notices.ts";
import { openingKeys } from "./own-keys.ts";
import { rememberSeen, wasSeen } from "./replays.ts";
import { findPlace, isTaken } from "./message-names.ts";
import { names, type ContactRecord, type HeldEntry } from "./records.ts";
import { sendReceipt, takeReceipt } from "./receipts.ts";
import { notify, nowSec, type Step } from "./step.ts";

/**
 * What came of a message: dealt with for good, to be tried again since a fault of ours came between, rightly signed and dated ahead of
 * our clock, or a question first.
 */
export type Verdict =
  | { readonly type: "done" }
  | { readonly type: "early"; readonly untilSec: number; readonly refusal: SottoError }
  | { readonly type: "again"; readonly fault: SottoError }
  | { readonly type: "ask-account" }
  | { readonly type: "ask-identifier"; readonly identifier: string };

/** What the directory answered to such questions. */
export interface Answers {
  readonly account?: Found;
  readonly identifier?: Found;
}

const done: Verdict = { type: "done" };

/** The account that a message claims to be from; undefined when it is no classic message. */
export function claimedSender(classic: string): string | undefined {
  try {
    return toHex(parseClassicMessage(utf8(classic)).sender.account);
  } catch {
    return undefined;
  }
}

/**
 * Takes one message in. Writes nothing unless it is done.
 * @param lastTry a fault of ours (no fault of the message) is told as a refusal now, instead of trying again.
 */
export async function takeClassic(
  step: Step,
  entry: HeldEntry,
  answers: Answers,
  lastTry = false,
): Promise<Verdict> {
  const takeBack = step.draft.savepoint();
  let opened: VerifiedClassicMessage | undefined;
  try {
    const message = parseClassicMessage(utf8(entry.classic));
    const list = await senderList(step, entry, message, answers);
    if (list === "ask") return { type: "ask-account" };
    opened = await open(step, message, list);
    const content = parseClassicPlaintext(opened.plaintext);
    const question = await checkClaim(step, entry.account, content, answers);
    if (question !== undefined) return question;
    rememberSeen(step, opened);
    if (content.type !== "typing") await apply(step, entry, opened, content);
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    takeBack();
    // The date is checked after the signature.
    if (cause instanceof ValidationError && cause.code === "message_from_future") {
      const { timestampSec } = parseClassicMessage(utf8(entry.classic));
      return { type: "early", untilSec: timestampSec - LIMITS.maxClockSkewSec, refusal: cause };
    }
    const fault = faultOf(cause);
    if (fault !== undefined && !lastTry) return { type: "again", fault };
    // What was decrypted counts as seen even if it says nothing: nobody gets a second guess at a ciphertext.
    if (opened !== undefined) rememberSeen(step, opened);
    if (!entry.again) await refuse(step, entry.account, cause);
  }
  return done;
}

/** The list to check a message with: a fresh one where the directory can be asked. */
async function senderList(
  step: Step,
  entry: HeldEntry,
  message: UnverifiedClassicMessage,
  answers: Answers,
): Promise<VerifiedDeviceList | undefined | "ask"> {
  const known = await pinned(step, entry.account);
  const asked = answers.account;
  if (asked?.type === "found") return asked.list;
  if (asked?.type === "not-found") return known?.list;
  if (asked !== undefined && known !== undefined) return known.list;
  if (asked !== undefined && isUnbelievable(asked.error)) throw asked.error;
  if (asked !== undefined) return "ask";
  // What is wrong whatever the list says is refused without asking.
  await assertOpens(step, message, undefined, ["device_unknown"]);
  if (!isFresh(step, known)) return "ask";
  // A device or key that we do not know may be newer than our list.
  if (known.refreshedAtMs < entry.receivedAtMs) {
    const fits = await assertOpens(step, message, known.list, ["device_unknown", "signature_invalid"]);
    if (!fits) return "ask";
  }
  return known.list;
}

/** Whether a message opens, failing only for one of these reasons. @throws for every other. */
async function assertOpens(
  step: Step,
  message: UnverifiedClassicMessage,
  list: VerifiedDeviceList | undefined,
  reasons: readonly ErrorCode[],
): Promise<boolean> {
  try {
    await open(step, message, list);
    return true;
  } catch (cause) {
    if (cause instanceof SottoError && reasons.includes(cause.code)) return false;
    throw cause;
  }
}

/** Checks and decrypts. */
export function open(
  step: Step,
  message: UnverifiedClassicMessage,
  list: VerifiedDeviceList | undefined,
): Promise<VerifiedClassicMessage> {
  const { own } = step.live;
  return unprotectClassic(step.env.crypto, {
    message,
    self: addressOf(own.account, own.device),
    privateKeys: openingKeys(own),
    senderList: list,
    nowSec: nowSec(step),
    alreadySeen: (hash, keyHash) => wasSeen(step, { timestampSec: message.timestampSec, hash, keyHash }),
  });
}

/**
 * Finds out whether a sender's claim of an identifier is true, before anything is shown under it. A claim of somebody else's
 * is refused: it may be their ciphertext, signed anew.
 * @throws ValidationError `message_refused`.
 */
async function checkClaim(
  step: Step,
  account: string,
  content: ClassicPlaintext | ClassicUnknown,
  answers: Answers,
): Promise<Verdict | undefined> {
  const claim = normalised(content.from);
  if (claim === undefined) return undefined;
  const contact = await findContact(step.draft, { account });
  if (contact?.identifier !== undefined && contact.identifier !== claim) throw notTheirs();
  if (content.type === "receipt" || content.type === "typing") return undefined;
  if (contact?.identifier !== undefined || contact?.refutedClaim === claim) return undefined;
  const found = answers.identifier;
  if (found === undefined) {
    // Whoever claims much gets no lookup for each; until then they stand under their account id.
    if (!mayAskClaim(step.live.lookups.budget, account, step.env.nowMs())) return undefined;
    return { type: "ask-identifier", identifier: claim };
  }
  if (found.type === "failed") return undefined;
  if (found.type === "found") {
    if (found.account !== account) throw notTheirs();
    await bindIdentifier(step, claim, account);
  } else {
    putContact(step, { ...(await ensureContact(step, { account })), refutedClaim: claim });
  }
  return undefined;
}

function notTheirs(): ValidationError {
  return new ValidationError("message_refused", "the message claims to be from somebody else");
}

function normalised(claim: string | undefined): string | undefined {
  try {
    return claim !== undefined && parseIdentifier(claim) === claim ? claim : undefined;
  } catch {
    return undefined;
  }
}

type Content = Exclude<ClassicPlaintext | ClassicUnknown, { type: "typing" }>;

async function apply(
  step: Step,
  entry: HeldEntry,
  opened: VerifiedClassicMessage,
  content: Content,
): Promise<void> {
  const device = toHex(opened.sender.device);
  if (content.n !== undefined) await count(step, entry.account, device, content.n);
  if (await isBarredAccount(step.draft, entry.account)) return;
  if (content.type !== "receipt") return show(step, entry, device, opened, content);
  if (!(await takeReceipt(step, entry.account, device, content)) && !entry.again) {
    await refuse(
      step,
      entry.account,
      new CodecError("message_refused", "a receipt for somebody else's message"),
    );
  }
}

async function show(
  step: Step,
  entry: HeldEntry,
  device: string,
  opened: VerifiedClassicMessage,
  content: Exclude<Content, { type: "receipt" }>,
): Promise<void> {
  const contact = await ensureContact(step, { account: entry.account });
  const own = toHex(opened.hash).slice(0, 32);
  const claimed = { account: entry.account, id: content.id ?? own };
  // Whoever repeats the id of another message gets another one here.
  const id = (await isTaken(step.draft, contact.conversations, claimed)) ? own : claimed.id;
  const receipt = { senderDevice: device, signatureHash: opened.hash };
  await sendReceipt(step, contact.id, "delivered", receipt);
  if ((await findPlace(step.draft, { account: entry.account, id })) !== undefined) return;
  const record = {
    id,
    direction: "in" as const,
    body: content.type === "text" ? content.body : unknownLine(content),
    status: "received" as const,
    sentAt: opened.timestampSec,
    ...(content.type !== "text" && { kind: "unknown" as const }),
    ...receipt,
  };
  const place = await addMessage(step, contact, entry.account, record);
  step.draft.put(names.envelopes(place), [entry.classic]);
  const present = await contactOf(step.draft, place.conversation);
  const subject = { contact: present ?? contact };
  if (await wasDeletedAhead(step, subject, { account: entry.account, id }, place)) return;
  const message = await toMessage(step.draft, step.live.own, present, place, record);
  notify(step, { type: "message", message });
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(MESSAGE_IN) });
}

/** What stands for a message of a type that this version cannot show. */
function unknownLine(content: ClassicUnknown): string {
  return `[a message of the type ${JSON.stringify(content.name)}, which this version of Sotto cannot show]`;
}

async function count(step: Step, account: string, device: string, n: number): Promise<void> {
  const name = names.gaps(account, device);
  const counted = countMessage(await step.draft.get(name), n);
  step.draft.put(name, counted.record);
  if (counted.missing > 0) {
    const from = nameOf(account, await findContact(step.draft, { account }));
    await addNotice(step, { type: "gap", from, count: counted.missing });
  }
}

const nameOf = (account: string, contact: ContactRecord | undefined): string =>
  contact === undefined ? account : peerName(contact);

/** Tells that a message was refused, and why. */
export async function refuse(step: Step, account: string | undefined, cause: unknown): Promise<void> {
  const code = codeOf(cause);
  const contact = account === undefined ? undefined : await findContact(step.draft, { account });
  const from = account === undefined ? undefined : nameOf(account, contact);
  const notice = { type: "refused", from, code } as const;
  if (code === "message_replayed") return passNotice(step, notice);
  await addNotice(step, notice);
  if (code === "device_unknown" && contact?.identifier !== undefined) {
    await addNotice(step, { type: "device_unlisted", identifier: contact.identifier });
  }
}

/** The error when it says nothing about the message, but about us. */
function faultOf(cause: unknown): SottoError | undefined {
  if (!(cause instanceof SottoError)) {
    return new InternalError("internal", "a message could not be taken in", { cause });
  }
  return cause.code === "internal" ? cause : undefined;
}

function codeOf(cause: unknown): ErrorCode {
  if (cause instanceof CodecError) return "message_refused";
  return cause instanceof SottoError ? cause.code : "internal";
}
