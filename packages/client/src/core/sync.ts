/**
 * The session with the server: hello, its challenge checked against the pinned key, sign-in, and coming back after
 * the connection broke. It takes two round trips: hello travels with the request to connect, and the inbox is attached
 * in the same breath as the device signs in.
 */
import { signIn, verifyChallenge, verifyServerKey } from "@sotto/crypto";
import {
  LIMITS,
  NONCE_BYTES,
  RefusedError,
  SottoError,
  TransportError,
  type Challenge,
  type Hello,
  type ServerFrame,
} from "@sotto/protocol";
import { attachmentNames } from "./attachments/records.ts";
import { noteServerTime } from "./clock.ts";
import { onGoodbye } from "./goodbye.ts";
import { addNotice } from "./notices.ts";
import { startGroups, stopGroups } from "./groups/pump.ts";
import { onGroupEntries } from "./groups/reading.ts";
import { onSideEntries } from "./groups/side-logs.ts";
import { accountOf, deviceOf } from "./hex.ts";
import { attach, onEntries } from "./inbox.ts";
import { noteOwnVersion } from "./devices/own-list.ts";
import { onListChanged } from "./list-hints.ts";
import { pruneRetired } from "./keys.ts";
import { loseLookups } from "./lookups.ts";
import { wakeAll } from "./outbox-queue.ts";
import { hintedMs, pauseMs } from "./reconnect.ts";
import { forgetOldSeen } from "./replays.ts";
import {
  CONNECTION_SETTLED,
  answer,
  connectionState,
  giveUp,
  loseRequests,
  refusedError,
} from "./session.ts";
import { notify, nowSec, type Step } from "./step.ts";

const handshakeTimer = "handshake";
const reconnectTimer = "reconnect";
const handshakeMs = 15_000;
/** A connection that stood this long was worth something: the next pause is short again. */
const worthMs = 30_000;
/** Nobody is kept away for longer by a word of the server's. */
const longestHintMs = 60_000;
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
  session.clientNonce = step.env.crypto.randomBytes(NONCE_BYTES);
  session.helloAtMs = step.env.nowMs();
  const hello: Hello = {
    $typeName: "sotto.v1.Hello",
    protocolVersion: LIMITS.protocolVersion,
    clientNonce: session.clientNonce,
  };
  step.effects.push({ type: "cancel-timer", name: reconnectTimer }, { type: "connect", hello });
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

/** The connection is gone, or never came to be: loses what was under way, and comes back later. */
export async function onClosed(step: Step, cause: SottoError | undefined): Promise<void> {
  const { session } = step.live;
  if (session.phase === "offline") return;
  session.phase = "offline";
  session.problem ??= cause;
  step.effects.push({ type: "cancel-timer", name: handshakeTimer });
  await loseRequests(step);
  await loseLookups(step);
  await stopGroups(step);
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
    const hintMs = session.problem?.retryAfterMs;
    delayMs = pauseMs(session.failures, hintMs && Math.min(hintMs, longestHintMs), random);
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

/** Takes frames in, in order. */
export async function onFrames(step: Step, frames: readonly ServerFrame[]): Promise<void> {
  for (const { frame } of frames) {
    if (step.live.session.phase === "offline") return;
    try {
      await onFrame(step, frame);
    } catch (cause) {
      if (
        cause instanceof SottoError &&
        ["server_key_mismatch", "clock_wrong", "malformed"].includes(cause.code)
      ) {
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
      noteMaxBlobBytes(step, Number(frame.value.maxBlobBytes));
      step.live.session.pushKey = frame.value.pushKey.slice();
      await onSignedIn(step, Number(frame.value.deviceListVersion));
      return noteReset(step, Number(frame.value.resetAtSec));
    case "deviceListChanged":
      return onListChanged(step, frame.value);
    case "resetChanged":
      return noteReset(step, Number(frame.value.resetAtSec));
    case "entries":
      if (await onGroupEntries(step, frame.value)) return undefined;
      if (await onSideEntries(step, frame.value)) return undefined;
      return onEntries(step, frame.value);
    case "appended":
      return answer(step, frame.value.request, { type: "appended", seq: Number(frame.value.seq) });
    case "attached":
      return answer(step, frame.value.request, { type: "attached", attached: frame.value });
    case "done":
      return answer(step, frame.value.request, { type: "done" });
    case "linkFetched":
      return answer(step, frame.value.request, { type: "link", link: frame.value });
    case "keyPackagesClaimed":
      return answer(step, frame.value.request, { type: "claimed", claimed: frame.value });
    case "keyPackageCount":
      return answer(step, frame.value.request, { type: "counted", count: frame.value });
    case "blobTicket":
      return answer(step, frame.value.request, { type: "ticket", ticket: frame.value.ticket });
    case "lookupResult":
      return answer(step, frame.value.request, { type: "found", result: frame.value });
    case "refused":
      return onRefused(step, frame.value.request, frame.value.problem);
    case "draining":
      return onDraining(step, Number(frame.value.reconnectAfterMs));
    case "goodbye":
      return onGoodbye(step, frame.value);
    default:
      // A newer server may say more than we understand.
      return undefined;
  }
}

async function onChallenge(step: Step, challenge: Challenge): Promise<void> {
  const { live, env } = step;
  if (live.session.phase !== "connecting") return;
  const { own } = live;
  const serverTimeMs = Number(challenge.serverTimeMs);
  const key = await verifyServerKey(env.crypto, own.serverFingerprint, own.serverPublicKey);
  const checked = await verifyChallenge(
    env.crypto,
    key,
    live.session.clientNonce,
    challenge,
    nowSec(step),
  ).catch(async (cause: unknown) => {
    if (cause instanceof SottoError && cause.code === "clock_wrong") await noteServerTime(step, serverTimeMs);
    throw cause;
  });
  await noteServerTime(step, serverTimeMs);
  const value = await signIn(env.crypto, checked, {
    accountId: accountOf(own.account),
    deviceId: deviceOf(own.device),
    privateKey: own.deviceKey.privateKey,
  });
  live.session.phase = "signing-in";
  live.session.serverNonce = checked.serverNonce;
  step.effects.push({ type: "send", frame: { case: "signIn", value } });
  attach(step);
}

async function onSignedIn(step: Step, ownVersion: number): Promise<void> {
  const { session } = step.live;
  if (session.phase !== "signing-in") return;
  session.phase = "online";
  session.onlineSinceMs = step.env.nowMs();
  step.effects.push({ type: "cancel-timer", name: handshakeTimer });
  tellState(step);
  settleConnection(step);
  await noteOwnVersion(step, ownVersion);
  await keepHouse(step);
  wakeAll(step);
  await startGroups(step);
}

/** How large attachments may be is remembered, so that it can be told without a connection. */
function noteMaxBlobBytes(step: Step, bytes: number): void {
  const { session, transfers } = step.live;
  if (session.phase !== "signing-in" || transfers.maxBlobBytes === bytes) return;
  transfers.maxBlobBytes = bytes;
  step.draft.put(attachmentNames.maxBlobBytes, bytes);
}

/** Takes in whether somebody asked to replace the account. */
async function noteReset(step: Step, at: number): Promise<void> {
  const { session } = step.live;
  if (session.phase !== "online" || session.resetAt === at) return;
  session.resetAt = at;
  await addNotice(step, { type: "reset_pending", at });
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
  session.hintMs = Math.min(hintMs, longestHintMs);
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
