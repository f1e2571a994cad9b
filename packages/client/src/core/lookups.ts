/**
 * Asking the server's directory. Askers for the same subject share one question, few questions are under way at once, and a rate
 * limit is remembered. What the person does comes before what others write. What comes back is checked on top of what is pinned before
 * anybody sees it, and pinned.
 */
import { verifyDeviceLists, type VerifiedDeviceList } from "@sotto/crypto";
import {
  RefusedError,
  SottoError,
  TransportError,
  ValidationError,
  accountId,
  equalBytes,
  toHex,
  type LookupResult,
} from "@sotto/protocol";
import { findContact, noteList, peerName } from "./contacts.ts";
import { noteNewerList } from "./devices/noticing.ts";
import { pin, pinned } from "./directory.ts";
import { bytesOf } from "./hex.ts";
import { newBudget, takeLookup, type LookupBudget, type Purpose, type SubjectKind } from "./lookup-budget.ts";
import { addNotice } from "./notices.ts";
import { isReady, request, type Answer } from "./session.ts";
import type { Step } from "./step.ts";

/** Whom a lookup is about. */
export type Subject = { readonly identifier: string } | { readonly account: string };

/** What a lookup came to. `failed`: refused by the server, not to be believed, or the connection broke. */
export type Found =
  | { readonly type: "found"; readonly account: string; readonly list: VerifiedDeviceList }
  | { readonly type: "not-found" }
  | { readonly type: "failed"; readonly error: SottoError };

type Asker = (step: Step, found: Found) => Promise<void>;

interface Question {
  readonly key: string;
  readonly subject: Subject;
  readonly askers: Asker[];
  purpose: Purpose;
}

/** Lookups under way. */
export interface LookupState {
  readonly questions: Map<string, Question>;
  readonly waiting: Question[];
  asked: number;
  /** Until when the server wants no lookups, by what they ask by: of any purpose, and of those for messages that came in. */
  readonly pausedUntilMs: Map<string, number>;
  readonly budget: LookupBudget;
  /** Accounts whose lists were fetched over the present connection. */
  readonly current: Set<string>;
  /** Accounts that were asked for, whatever came of it, before something was written over the present connection in a group of theirs. */
  readonly caughtUp: Set<string>;
  /** Accounts of whose newer lists the server told, until they were looked up. */
  readonly hinted: Set<string>;
  /** Subjects whose answers were not to be believed, and of whom the person was told. */
  readonly reported: Set<string>;
}

const mostAtOnce = 16;
/** Some of these places are kept for what the person does. */
const mostForOthers = 12;
const longestInboundPauseMs = 600_000;
// A server that always has "more" must not be asked for ever.
const mostPages = 256;

/** No lookups. */
export const newLookups = (): LookupState => ({
  questions: new Map(),
  waiting: [],
  asked: 0,
  pausedUntilMs: new Map(),
  budget: newBudget(),
  current: new Set(),
  caughtUp: new Set(),
  hinted: new Set(),
  reported: new Set(),
});

const kindOf = (subject: Subject): SubjectKind => ("identifier" in subject ? "identifier" : "account");

/** Looks somebody up. The asker is called exactly once, in this step or a later one. */
export async function lookUp(
  step: Step,
  subject: Subject,
  asker: Asker,
  purpose: Purpose = "own",
): Promise<void> {
  const { lookups } = step.live;
  if (!isReady(step)) {
    return asker(
      step,
      failed(new TransportError("server_unreachable", "there is no connection to the server")),
    );
  }
  const key = "identifier" in subject ? `identifier ${subject.identifier}` : `account ${subject.account}`;
  const known = lookups.questions.get(key);
  if (known !== undefined) {
    known.askers.push(asker);
    return hurry(lookups, known, purpose);
  }
  const pausedMs = pauseOf(step, kindOf(subject), purpose);
  if (pausedMs > 0) {
    const details = { retryAfterMs: pausedMs };
    return asker(step, failed(new RefusedError("rate_limited", "too many lookups for now", details)));
  }
  const question = { key, subject, askers: [asker], purpose };
  lookups.questions.set(key, question);
  enqueue(lookups, question);
  await askNext(step);
}

/** How long a lookup must wait; none of its share is taken when it must. */
function pauseOf(step: Step, kind: SubjectKind, purpose: Purpose): number {
  const { pausedUntilMs, budget } = step.live.lookups;
  const now = step.env.nowMs();
  const names = purpose === "own" ? [kind] : [kind, inbound(kind)];
  const pausedMs = Math.max(...names.map((name) => (pausedUntilMs.get(name) ?? 0) - now));
  return pausedMs > 0 ? pausedMs : takeLookup(budget, purpose, kind, now);
}

const inbound = (kind: SubjectKind): string => `inbound ${kind}`;

/** Puts a question behind those that are as urgent. */
function enqueue({ waiting }: LookupState, question: Question): void {
  const at = question.purpose === "own" ? waiting.findIndex(({ purpose }) => purpose !== "own") : -1;
  waiting.splice(at < 0 ? waiting.length : at, 0, question);
}

/** Makes a question that waits as urgent as its most urgent asker. */
function hurry(lookups: LookupState, question: Question, purpose: Purpose): void {
  const { waiting } = lookups;
  const at = waiting.indexOf(question);
  if (purpose !== "own" || question.purpose === "own" || at < 0) return;
  waiting.splice(at, 1);
  question.purpose = purpose;
  enqueue(lookups, question);
}

async function askNext(step: Step): Promise<void> {
  const { lookups } = step.live;
  for (;;) {
    const [question] = lookups.waiting;
    if (question === undefined) return;
    if (lookups.asked >= (question.purpose === "own" ? mostAtOnce : mostForOthers)) return;
    lookups.waiting.shift();
    lookups.asked += 1;
    const { subject } = question;
    const known = "account" in subject ? (await pinned(step, subject.account))?.list : undefined;
    ask(step, question, subject, known, mostPages);
  }
}

function ask(
  step: Step,
  question: Question,
  subject: Subject,
  known: VerifiedDeviceList | undefined,
  pagesLeft: number,
): void {
  const frame = (number: number) => ({
    case: "lookup" as const,
    value: {
      $typeName: "sotto.v1.Lookup" as const,
      request: number,
      subject:
        "identifier" in subject
          ? { case: "identifier" as const, value: subject.identifier }
          : { case: "accountId" as const, value: bytesOf(subject.account) },
      // From the known version on, not after it: so that the server shows whether it still has the same.
      fromVersion: BigInt(known?.version ?? 0),
    },
  });
  request(step, frame, async (later, answer) => {
    const outcome = await read(later, answer, subject, known);
    if (outcome.type === "more" && pagesLeft > 0) {
      return ask(later, question, { account: outcome.account }, outcome.list, pagesLeft - 1);
    }
    const found: Found =
      outcome.type === "more" ? failed(invalid("the directory's answer never ends")) : outcome;
    if (found.type === "found") {
      const before = (await pinned(later, found.account))?.list;
      pin(later, found.account, found.list);
      await noteNewerList(later, found.account, before, found.list);
      await noteList(later, found.account, found.list);
    }
    await finish(later, question, found);
  });
}

async function finish(step: Step, question: Question, found: Found): Promise<void> {
  const { lookups } = step.live;
  lookups.asked -= 1;
  lookups.questions.delete(question.key);
  if (found.type === "failed" && found.error.code === "rate_limited") pause(step, question, found.error);
  if (found.type === "failed" && isUnbelievable(found.error) && !lookups.reported.has(question.key)) {
    lookups.reported.add(question.key);
    const contact = await findContact(step.draft, question.subject);
    const from = contact === undefined ? undefined : peerName(contact);
    await addNotice(step, { type: "refused", from, code: found.error.code });
  }
  for (const asker of question.askers) await asker(step, found);
  await askNext(step);
}

/** Remembers that the server wants no more for now. What others wrote stays away longer, so that it does not eat up what is gained. */
function pause(step: Step, { subject, purpose }: Question, error: SottoError): void {
  const { pausedUntilMs } = step.live.lookups;
  const hintMs = error.retryAfterMs ?? 5_000;
  const now = step.env.nowMs();
  if (purpose === "own") pausedUntilMs.set(kindOf(subject), now + hintMs);
  const longerMs = Math.min(Math.max(hintMs, longestInboundPauseMs), 4 * hintMs);
  pausedUntilMs.set(inbound(kindOf(subject)), now + longerMs);
}

/** Whether the server showed something that cannot be true: asking again would give the same. */
export function isUnbelievable(error: SottoError): boolean {
  return ["device_list_invalid", "device_list_rolled_back", "signature_invalid", "malformed"].includes(
    error.code,
  );
}

/** Drops what was not asked yet when the connection is gone; what was asked is told by its request. */
export async function loseLookups(step: Step): Promise<void> {
  const { lookups } = step.live;
  lookups.current.clear();
  lookups.caughtUp.clear();
  for (const question of lookups.waiting.splice(0)) {
    lookups.questions.delete(question.key);
    const gone = failed(new TransportError("connection_lost", "the connection broke"));
    for (const asker of question.askers) await asker(step, gone);
  }
}

type Page = Found | { readonly type: "more"; readonly account: string; readonly list: VerifiedDeviceList };

async function read(
  step: Step,
  answer: Answer,
  subject: Subject,
  asked: VerifiedDeviceList | undefined,
): Promise<Page> {
  if (answer.type === "refused" || answer.type === "lost") return failed(answer.error);
  if (answer.type !== "found") return failed(invalid("the server answered something else than a lookup"));
  if (!answer.result.found) return { type: "not-found" };
  try {
    return await check(step, answer.result, subject, asked);
  } catch (cause) {
    if (cause instanceof SottoError) return failed(cause);
    throw cause;
  }
}

async function check(
  step: Step,
  result: LookupResult,
  subject: Subject,
  asked: VerifiedDeviceList | undefined,
): Promise<Page> {
  const id = accountId(result.accountId);
  const account = toHex(id);
  if ("account" in subject && !equalBytes(id, bytesOf(subject.account))) {
    throw invalid("the directory answered with another account");
  }
  const known = asked ?? (await pinned(step, account))?.list;
  if (known !== undefined && result.newestVersion < BigInt(known.version)) {
    throw new ValidationError(
      "device_list_rolled_back",
      "the server shows an older device list than one that was seen before",
    );
  }
  if (result.lists.length === 0) throw invalid("the directory answered without a device list");
  if (known !== undefined && asked === undefined && BigInt(result.lists.length) < result.newestVersion) {
    // Asked by identifier, and too long for one answer: go on from what is pinned of that account.
    return { type: "more", account, list: known };
  }
  const list = await verifyDeviceLists(step.env.crypto, known, result.lists, id);
  if (BigInt(list.version) >= result.newestVersion) return { type: "found", account, list };
  if (known !== undefined && list.version === known.version && result.lists.length === 1) {
    // One list a page is slow, but it is progress only if the next question starts behind it.
    throw invalid("the directory hides the newest device list");
  }
  return { type: "more", account, list };
}

const failed = (error: SottoError): Found => ({ type: "failed", error });

function invalid(what: string): ValidationError {
  return new ValidationError("device_list_invalid", what);
}
