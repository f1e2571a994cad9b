/**
 * Opens the account for one command, waits with deadlines, and closes it whatever happens. A problem that waiting cannot
 * mend (a server with another key, a revoked device) ends the wait at once.
 */
import { existsSync } from "node:fs";
import type { ConnectionState, Messenger } from "@sotto/client";
import { isErrorCode, SottoError, type ErrorCode } from "@sotto/protocol";
import type { Context } from "./context.ts";
import { Failure } from "./errors.ts";
import type { Io } from "./io/io.ts";
import { remark, write } from "./io/output.ts";
import { safeJson, shortId } from "@sotto/client/readable";
import { currentPassphrase } from "./passphrases.ts";
import { formatNotice } from "./view.ts";

/** Problems of a connection that trying again does not mend. */
export const fatalProblems: ReadonlySet<string> = new Set<ErrorCode>([
  "server_key_mismatch",
  "clock_wrong",
  "sign_in_refused",
  "account_deleted",
  "unsupported_version",
  "superseded",
]);

/** An open account, with what became of its connection. */
export interface Session {
  readonly messenger: Messenger;
  /** The connection's last problem, as an error code. */
  problem(): string | undefined;
  /**
   * Waits for what `start` gives, at most `timeoutSec` seconds after its beginning, and after each time that it says to be alive; with
   * `firstTryOnly` no longer than until a first attempt to connect has failed.
   * @returns false when the time ran out.
   * @throws what `start` rejects with, a fatal problem of the connection, or Interrupted.
   */
  within(
    timeoutSec: number,
    start: (signal: AbortSignal, alive: () => void) => Promise<void>,
    options?: { readonly firstTryOnly?: boolean },
  ): Promise<boolean>;
}

interface SessionOptions {
  /** false: works with what is stored here. */
  readonly connect: boolean;
  readonly passphrase?: string;
  /** The caller listens to the account itself. A notice is told once: nobody else may take it. */
  readonly ownListener?: boolean;
}

/** Opens the account, runs `use` and closes again. Notices go to standard error meanwhile. */
export async function withSession<T>(
  context: Context,
  options: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  if (!existsSync(context.home)) throw new SottoError("vault_missing", "there is no account here yet");
  const passphrase = options.passphrase ?? (await currentPassphrase(context));
  const { open } = await import("@sotto/client/node");
  context.signal.throwIfAborted();
  const messenger = await open({ home: context.home, passphrase, connect: options.connect });
  const session = sessionOf(context, messenger, options.ownListener !== true);
  try {
    if (options.ownListener !== true) printNotices(context, messenger);
    return await use(session);
  } catch (error) {
    throw withReason(error, session.problem());
  } finally {
    await messenger.close();
  }
}

/** Notices are no messages: they go to standard error, so that scripts can count lines. */
function printNotices({ io, json }: Context, messenger: Messenger): void {
  messenger.subscribe((event) => {
    if (event.type === "file_needed") return void tellFileNeeded(io, json, event);
    if (event.type !== "notice") return;
    const { notice } = event;
    const self = messenger.self.identifier;
    // Whoever typed the command knows what it changed; scripts see all.
    const own = notice.type === "group_changed" && notice.by === self && notice.change.kind !== "left";
    if (own && !json) return;
    const text = formatNotice(notice, self);
    if (json) void write(io.stderr, `${safeJson({ type: "notice", notice, message: text })}\n`);
    else void remark(io, `! ${text}`);
  });
}

/** A message waits for a file that is no longer where it was. */
async function tellFileNeeded(
  io: Io,
  json: boolean,
  { id, index }: { id: string; index: number },
): Promise<void> {
  const text = `Message ${shortId(id)} waits for a file that is not where it was. Put it back, or take the message back with 'sotto delete'.`;
  if (json) await write(io.stderr, `${safeJson({ type: "file_needed", id, index, message: text })}\n`);
  else await remark(io, `! ${text}`);
}

function sessionOf(context: Context, messenger: Messenger, listen: boolean): Session {
  let problem: string | undefined;
  const problemListeners = new Set<() => void>();
  if (listen) {
    messenger.subscribe((event) => {
      if (event.type !== "connection") return;
      problem = nextProblem(problem, event.state, event.problem);
      for (const listener of problemListeners) listener();
    });
  }
  return {
    messenger,
    problem: () => problem,
    within: async (timeoutSec, start, options = {}) => {
      const controller = new AbortController();
      const stop = (): void => controller.abort();
      let timedOut = false;
      const giveUp = (): void => {
        timedOut = true;
        stop();
      };
      const timer = setTimeout(giveUp, timeoutSec * 1000);
      const onProblem = (): void => {
        if (problem === undefined) return;
        if (fatalProblems.has(problem)) stop();
        else if (options.firstTryOnly === true) giveUp();
      };
      context.signal.addEventListener("abort", stop);
      problemListeners.add(onProblem);
      onProblem();
      try {
        if (!controller.signal.aborted) await start(controller.signal, () => void timer.refresh());
        controller.signal.throwIfAborted();
        return true;
      } catch (error) {
        context.signal.throwIfAborted();
        if (timedOut) return false;
        if (controller.signal.aborted) throw connectionFailure(problem);
        throw error;
      } finally {
        clearTimeout(timer);
        problemListeners.delete(onProblem);
        context.signal.removeEventListener("abort", stop);
      }
    },
  };
}

function nextProblem(
  before: string | undefined,
  state: ConnectionState,
  reported: string | undefined,
): string | undefined {
  if (state === "online") return undefined;
  return reported ?? before;
}

/** "No connection" says nothing where it is known why, and waiting does not mend it. */
function withReason(error: unknown, problem: string | undefined): unknown {
  const isVague = error instanceof SottoError && error.code === "server_unreachable";
  return isVague && problem !== undefined && fatalProblems.has(problem) ? connectionFailure(problem) : error;
}

/** The error for a connection that did not come about. */
export function connectionFailure(problem: string | undefined): SottoError {
  const code = problem !== undefined && isErrorCode(problem) ? problem : "server_unreachable";
  const said: Partial<Record<ErrorCode, string>> = {
    server_key_mismatch: "the server does not have the key that this account knows",
    clock_wrong: "this device's clock is too far from the server's to sign in",
    sign_in_refused: "the server does not let this device sign in",
    unsupported_version: "the server speaks another version of the protocol",
    superseded: "this device connected from somewhere else",
  };
  return new SottoError(code, said[code] ?? "the server cannot be reached");
}

/** The promise's outcome; rejects with the signal's reason when that comes first. For work that takes no signal itself. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The failure of a command for which the time ran out, and that left something queued. */
export function timeoutFailure(
  session: Session,
  message: string,
  details: Record<string, unknown> = {},
): Failure {
  const { code, message: said, next } = unansweredFailure(session, message);
  return new Failure(code, said, `${next} ${whatIsQueued}`, { details });
}

/** The failure of a command for which the time ran out. */
export function unansweredFailure(session: Session, message: string): Failure {
  if (session.messenger.connection === "online") {
    return new Failure("unavailable", `${message}: the server did not answer in time`, "try again later.");
  }
  const cause = connectionFailure(session.problem());
  const next = "check your connection and that the server runs.";
  return new Failure(cause.code, `${message}: ${cause.message}`, next);
}

const whatIsQueued =
  "What is queued stays queued and goes out with the next connection ('sotto receive', 'sotto chat').";

/** How long commands that work offline too wait for the server before they go on without. */
const refreshTimeoutSec = 4;

/** Takes in what the server holds (messages, receipts), or goes on without when it is away. */
export async function refresh(context: Context, session: Session): Promise<void> {
  const { messenger } = session;
  try {
    let isFresh = false;
    const takeIn = async (signal: AbortSignal): Promise<void> => {
      await messenger.caughtUp({ signal });
      isFresh = true;
      await messenger.flushed({ signal });
    };
    await session.within(refreshTimeoutSec, takeIn, { firstTryOnly: true });
    if (!isFresh) await stale(context, session);
  } catch (error) {
    if (!(error instanceof SottoError)) throw error;
    await stale(context, session);
  }
}

async function stale(context: Context, session: Session): Promise<void> {
  if (context.json) return;
  const isSlow = session.messenger.connection === "online";
  const reason = isSlow ? "the server is slow" : connectionFailure(session.problem()).message;
  await remark(context.io, `(${reason}: this is how things stood last time)`);
}
