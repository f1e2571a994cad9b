/**
 * One connection to the server as the core sees it: its phase, the requests under way, and who gets their answers.
 */
import {
  RefusedError,
  TransportError,
  isErrorCode,
  type Attached,
  type ClientFrame,
  type KeyPackageCount,
  type KeyPackagesClaimed,
  type LinkFetched,
  type LookupResult,
  type Problem,
  type SottoError,
} from "@sotto/protocol";
import type { ConnectionState } from "../api.ts";
import type { Step } from "./step.ts";

/** The group of callers who wait while a try to connect is under way. */
export const CONNECTION_SETTLED = "connection settled";

/** The answer to a request. `lost`: the connection broke first, and it may or may not have been carried out. */
export type Answer =
  | { readonly type: "appended"; /** 0: fanned out, not stored. */ readonly seq: number }
  | { readonly type: "done" }
  | { readonly type: "attached"; readonly attached: Attached }
  | { readonly type: "found"; readonly result: LookupResult }
  | { readonly type: "link"; readonly link: LinkFetched }
  | { readonly type: "claimed"; readonly claimed: KeyPackagesClaimed }
  | { readonly type: "counted"; readonly count: KeyPackageCount }
  | { readonly type: "ticket"; readonly ticket: Uint8Array }
  | { readonly type: "refused"; readonly error: RefusedError }
  | { readonly type: "lost"; readonly error: TransportError };

/** Takes an answer in. */
export type OnAnswer = (step: Step, answer: Answer) => Promise<void>;

/** The state of the connection. */
export interface SessionState {
  phase: "offline" | "connecting" | "signing-in" | "online";
  /** False: offline on purpose. */
  wanted: boolean;
  /** Tries that failed in a row. */
  failures: number;
  /** When the account may be replaced, as the server says, in seconds; 0: never. */
  resetAt: number;
  /** The server's key for push services, 65 bytes; empty while it is not known, or when it wakes nobody. */
  pushKey: Uint8Array;
  /** When the sign-in was taken; undefined before. */
  onlineSinceMs: number | undefined;
  clientNonce: Uint8Array;
  /** Of the challenge that was checked. */
  serverNonce: Uint8Array;
  /** This device deletes the account: its end is no news. */
  ending: boolean;
  /** When hello was said. */
  helloAtMs: number;
  /** How far our clock is ahead of the server's, as it was last told; 0: they agree. undefined: not known yet. */
  clockAheadMs: number | undefined;
  nextRequest: number;
  readonly pending: Map<number, OnAnswer>;
  /** The server stops soon: nothing new is begun here. */
  draining: boolean;
  /** How long it asked to stay away. */
  hintMs: number | undefined;
  /** Why the connection ended, as far as the server or our checks said. */
  problem: SottoError | undefined;
  /** When each contact was last told that one is typing. */
  readonly typedAtMs: Map<string, number>;
  /** A device list of ours is on its way to the server. */
  publishing: boolean;
  publishFailures: number;
  /** The inbox's newest seq when it was attached; undefined before. */
  head: number | undefined;
  /** An attach is under way; what comes before its answer is passed over, since it comes again. */
  attaching: boolean;
  /** The greatest seq that was passed over. */
  passedOver: number;
  /** How often reading was begun anew at one place. */
  restarts: { readonly at: number; count: number };
  /** The seq up to which it was read, or was gone already, since then. */
  read: number;
  /** The seq up to which the inbox was ever taken in. */
  cursor: number;
}

/** A session that was not begun. */
export function newSession(cursor: number): SessionState {
  return {
    phase: "offline",
    wanted: false,
    failures: 0,
    resetAt: 0,
    pushKey: new Uint8Array(),
    onlineSinceMs: undefined,
    clientNonce: new Uint8Array(),
    serverNonce: new Uint8Array(),
    ending: false,
    helloAtMs: 0,
    clockAheadMs: undefined,
    nextRequest: 1,
    pending: new Map(),
    draining: false,
    hintMs: undefined,
    problem: undefined,
    typedAtMs: new Map(),
    publishing: false,
    publishFailures: 0,
    head: undefined,
    attaching: false,
    passedOver: 0,
    restarts: { at: 0, count: 0 },
    read: 0,
    cursor,
  };
}

/** The phase in the words of the SDK. */
export function connectionState(session: SessionState): ConnectionState {
  if (session.phase === "offline") return "offline";
  return session.phase === "online" ? "online" : "connecting";
}

/** Whether new requests may be made. */
export const isReady = (step: Step): boolean =>
  step.live.session.phase === "online" && !step.live.session.draining;

/** Sends a request; its answer comes to `onAnswer` exactly once. */
export function request(
  step: Step,
  frame: (request: number) => ClientFrame["frame"],
  onAnswer: OnAnswer,
): void {
  const { session } = step.live;
  const number = session.nextRequest;
  session.nextRequest = number >= 0x7fff_ffff ? 1 : number + 1;
  session.pending.set(number, onAnswer);
  step.effects.push({ type: "send", frame: frame(number) });
}

/** Hands an answer to whoever asked. What nobody asked for is passed over. */
export async function answer(step: Step, number: number, given: Answer): Promise<void> {
  const onAnswer = step.live.session.pending.get(number);
  if (onAnswer === undefined) return;
  step.live.session.pending.delete(number);
  await onAnswer(step, given);
}

/** Tells everybody who waits for an answer that none will come. */
export async function loseRequests(step: Step): Promise<void> {
  const waiting = [...step.live.session.pending.values()];
  step.live.session.pending.clear();
  const error = new TransportError("connection_lost", "the connection broke while a request was under way");
  for (const onAnswer of waiting) await onAnswer(step, { type: "lost", error });
}

// A longer one would overflow timers, which then fire at once.
const longestHintMs = 3_600_000;

/** What the server refused with, as an error. Its words go no further than a code that we know. */
export function refusedError(problem: Problem | undefined): RefusedError {
  const code = problem !== undefined && isErrorCode(problem.code) ? problem.code : "internal";
  const said = problem?.code === code ? problem.message.slice(0, 300) : "";
  return new RefusedError(code, said === "" ? "the server refused a request" : said, {
    ...(problem !== undefined &&
      problem.retryAfterMs > 0n && { retryAfterMs: Math.min(Number(problem.retryAfterMs), longestHintMs) }),
    ...(problem !== undefined && problem.current > 0n && { current: Number(problem.current) }),
  });
}

/** Ends the connection because of what the server did. */
export function giveUp(step: Step, problem: SottoError): void {
  step.live.session.problem = problem;
  step.effects.push({ type: "disconnect" });
}
