/**
 * The session with the server: hello, its challenge checked against the pinned key, sign-in, reading the own inbox from the
 * cursor on, and coming back after the connection broke.
 */
import { signIn, verifyChallenge, verifyServerKey } from "@sotto/crypto";
import {
  EntryKind,
  InboxItemSchema,
  LIMITS,
  NONCE_BYTES,
  RefusedError,
  SottoError,
  TransportError,
  ValidationError,
  decode,
  equalBytes,
  fromUtf8,
  type Attached,
  type Challenge,
  type Entries,
  type Entry,
  type ServerFrame,
} from "@sotto/protocol";
import { claimedSender, refuse } from "./classic-inbound.ts";
import { nothingHeldUpTo, takeOrHold } from "./held.ts";
import { accountOf, bytesOf, deviceOf } from "./hex.ts";
import { loseLookups } from "./lookups.ts";
import { noteOwnVersion, pruneRetired } from "./keys.ts";
import { wakeAll } from "./outbox-queue.ts";
import { backoffMs, hintedMs } from "./reconnect.ts";
import { forgetOldSeen } from "./replays.ts";
import { names } from "./records.ts";
import {
  CONNECTION_SETTLED,
  answer,
  connectionState,
  loseRequests,
  refusedError,
  request,
} from "./session.ts";
import { notify, nowSec, type Step } from "./step.ts";
import { takeTyping } from "./typing.ts";

/** The group of callers who wait until the inbox was taken in. */
export const CAUGHT_UP = "caught up";

const handshakeTimer = "handshake";
const reconnectTimer = "reconnect";
const handshakeMs = 15_000;
/** A connection that stood this long was worth something: the next pause is short again. */
const worthMs = 30_000;
const housekeepingTimer = "housekeeping";
const housekeepingMs = 3_600_000;

/** Begins to connect, and to stay connected. */
export async function startSession(step: Step): Promise<void> {
  step.live.session.wanted = true;
  await connect(step);
}

async function connect(step: Step): Promise<void> {
  const { session } = step.live;
  if (session.phase !== "offline" || !session.wanted) return;
  session.phase = "connecting";
  session.draining = false;
  session.hintMs = undefined;
  session.problem = undefined;
  session.head = undefined;
  session.attaching = false;
  session.passedOver = 0;
  session.restarts = { at: 0, count: 0 };
  step.effects.push({ type: "cancel-timer", name: reconnectTimer }, { type: "connect" });
  step.effects.push({
    type: "timer",
    name: handshakeTimer,
    delayMs: handshakeMs,
    run: async (later) => {
      later.live.session.problem = new TransportError("server_unreachable", "the server does not answer");
      later.effects.push({ type: "disconnect" });
    },
  });
  tellState(step);
}

/** The connection stands: says hello. */
export async function onConnected(step: Step): Promise<void> {
  const { session } = step.live;
  if (session.phase !== "connecting") return;
  session.phase = "greeting";
  session.clientNonce = step.env.crypto.randomBytes(NONCE_BYTES);
  step.effects.push({
    type: "send",
    frame: {
      case: "hello",
      value: {
        $typeName: "sotto.v1.Hello",
        protocolVersion: LIMITS.protocolVersion,
        clientNonce: session.clientNonce,
      },
    },
  });
}

/** The connection is gone, or never came to be: loses what was under way, and comes back later. */
export async function onClosed(step: Step, cause: SottoError | undefined): Promise<void> {
  const { session } = step.live;
  if (session.phase === "offline") return;
  session.phase = "offline";
  session.problem ??= cause;
  step.effects.push({ type: "cancel-timer", name: handshakeTimer });
  await loseRequests(step);
  await loseLookups(step);
  tellState(step);
  settleConnection(step);
  if (!session.wanted) return;
  const onlineMs = step.env.nowMs() - (session.onlineSinceMs ?? Infinity);
  if (onlineMs >= worthMs) session.failures = 0;
  session.onlineSinceMs = undefined;
  const random = step.env.random();
  let delayMs: number;
  if (session.hintMs === undefined) {
    session.failures += 1;
    delayMs = backoffMs(session.failures, random);
  } else {
    delayMs = hintedMs(session.hintMs, random);
  }
  step.effects.push({ type: "timer", name: reconnectTimer, delayMs, run: connect });
}

function settleConnection(step: Step): void {
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(CONNECTION_SETTLED) });
}

function tellState(step: Step): void {
  const { session } = step.live;
  const state = connectionState(session);
  const problem = session.problem?.code;
  notify(step, { type: "connection", state, ...(problem !== undefined && { problem }) });
}

/** Ends the connection because of what the server did. */
function giveUp(step: Step, problem: SottoError): void {
  step.live.session.problem = problem;
  step.effects.push({ type: "disconnect" });
}

/** Takes frames in, in order. */
export async function onFrames(step: Step, frames: readonly ServerFrame[]): Promise<void> {
  for (const { frame } of frames) {
    if (step.live.session.phase === "offline") return;
    try {
      await onFrame(step, frame);
    } catch (cause) {
      if (cause instanceof SottoError && ["server_key_mismatch", "malformed"].includes(cause.code)) {
        return giveUp(step, cause);
      }
      throw cause;
    }
  }
}

async function onFrame(step: Step, frame: ServerFrame["frame"]): Promise<void> {
  switch (frame.case) {
    case "challenge":
      return onChallenge(step, frame.value);
    case "signedIn":
      return onSignedIn(step, Number(frame.value.deviceListVersion));
    case "entries":
      return onEntries(step, frame.value);
    case "appended":
      return answer(step, frame.value.request, { type: "appended" });
    case "attached":
      return answer(step, frame.value.request, { type: "attached", attached: frame.value });
    case "done":
      return answer(step, frame.value.request, { type: "done" });
    case "lookupResult":
      return answer(step, frame.value.request, { type: "found", result: frame.value });
    case "refused":
      return onRefused(step, frame.value.request, frame.value.problem);
    case "draining":
      return onDraining(step, Number(frame.value.reconnectAfterMs));
    case "goodbye":
      return giveUp(step, refusedError(frame.value.problem));
    default:
      // Conversation logs come with MLS; a newer server may say more than we understand.
      return undefined;
  }
}

async function onChallenge(step: Step, challenge: Challenge): Promise<void> {
  const { live, env } = step;
  if (live.session.phase !== "greeting") return;
  const { own } = live;
  const key = await verifyServerKey(env.crypto, own.serverFingerprint, own.serverPublicKey);
  const checked = await verifyChallenge(env.crypto, key, live.session.clientNonce, challenge, nowSec(step));
  const value = await signIn(env.crypto, checked, {
    accountId: accountOf(own.account),
    deviceId: deviceOf(own.device),
    privateKey: own.deviceKey.privateKey,
  });
  live.session.phase = "signing-in";
  step.effects.push({ type: "send", frame: { case: "signIn", value } });
}

async function onSignedIn(step: Step, ownVersion: number): Promise<void> {
  const { session } = step.live;
  if (session.phase !== "signing-in") return;
  session.phase = "online";
  session.onlineSinceMs = step.env.nowMs();
  step.effects.push({ type: "cancel-timer", name: handshakeTimer });
  tellState(step);
  settleConnection(step);
  attach(step);
  await noteOwnVersion(step, ownVersion);
  await keepHouse(step);
  wakeAll(step);
}

/** Forgets, every hour, what is too old to matter. */
async function keepHouse(step: Step): Promise<void> {
  await forgetOldSeen(step);
  await pruneRetired(step);
  step.effects.push({ type: "timer", name: housekeepingTimer, delayMs: housekeepingMs, run: keepHouse });
}

async function onRefused(
  step: Step,
  number: number,
  problem: Parameters<typeof refusedError>[0],
): Promise<void> {
  const error = refusedError(problem);
  if (number !== 0) return answer(step, number, { type: "refused", error });
  // Before the sign-in nothing has a number: the refusal is of the sign-in itself.
  if (step.live.session.phase !== "online") giveUp(step, error);
}

async function onDraining(step: Step, hintMs: number): Promise<void> {
  const { session } = step.live;
  session.draining = true;
  session.hintMs = Math.min(hintMs, 60_000);
  session.problem = new RefusedError("draining", "the server is stopping");
  leaveWhenDrained(step);
}

/** Leaves a server that stops as soon as nothing is under way any more. */
export function leaveWhenDrained(step: Step): void {
  const { session } = step.live;
  if (session.phase === "online" && session.draining && session.pending.size === 0) {
    step.effects.push({ type: "disconnect" });
  }
}

// The own inbox

/** How often the server is asked to begin again at one place before a hole in its numbers is taken as it is. */
const mostRestarts = 10;
const rereadTimer = "reread";
const rereadMs = 2_000;

function attach(step: Step): void {
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
  if (session.head < session.cursor) moveCursor(step, session.head);
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

async function onEntries(step: Step, { logId, entries }: Entries): Promise<void> {
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

function classicOf(entry: Entry): string | undefined {
  try {
    const { item } = decode(InboxItemSchema, entry.body, LIMITS.maxEntryBytes);
    return item.case === "classic" ? fromUtf8(item.value) : undefined;
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
  const { session, held } = step.live;
  const { head } = session;
  if (session.phase !== "online" || head === undefined) return false;
  if (Math.max(session.read, session.cursor) < head) return false;
  return nothingHeldUpTo(held, head);
}

/** Lets go who waited for the inbox. */
export function settleCaughtUp(step: Step): void {
  if (step.waiters.has(CAUGHT_UP) && isCaughtUp(step)) {
    step.effects.push({ type: "settle", settle: () => step.waiters.resolve(CAUGHT_UP) });
  }
}
