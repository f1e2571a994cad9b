/** How a command fails: what it says, what to do next, and its exit code. */
import { RefusedError, SottoError, type ErrorCode } from "@sotto/protocol";
import type { Io } from "./io/io.ts";
import { remark, write } from "./io/output.ts";
import { safeJson, sanitise, sanitiseLine } from "@sotto/client/readable";
import { nextStep } from "./next-steps.ts";

/** The person broke the command off, or the system asked it to end. */
export class Interrupted extends Error {
  override name = "Interrupted";
  readonly signalName: "SIGINT" | "SIGTERM" | "SIGHUP";

  constructor(signalName: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super("interrupted");
    this.signalName = signalName;
  }
}

/** A failure with a next step that fits the situation better than the table's. */
export class Failure extends SottoError {
  override name = "Failure";
  readonly next: string;
  /** Further members of the error object in JSON. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    next: string,
    options: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(code, message, { cause: options.cause });
    this.next = next;
    this.details = options.details ?? {};
  }
}

/** What was given on the command line is missing or wrong: exit code 2. */
export const usageFailure = (message: string, next: string): Failure => new Failure("usage", message, next);

const usageCodes: ReadonlySet<string> = new Set(["usage", "identifier_invalid", "config_invalid"]);
const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Says on standard error what went wrong and what to do. @returns the exit code. */
export async function reportError(io: Io, error: unknown, json: boolean): Promise<number> {
  if (error instanceof Interrupted) return signalExitCodes[error.signalName];
  // The reader of our output went away (`sotto history … | head`): there is nobody to tell.
  if (isBrokenPipe(error)) return 1;
  const code = error instanceof SottoError ? error.code : "internal";
  const message = messageOf(error);
  const next = error instanceof Failure ? error.next : nextStep(code);
  const retryAfterMs = error instanceof SottoError ? error.retryAfterMs : undefined;
  if (json) {
    const details = error instanceof Failure ? error.details : {};
    const retry = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
    const line = { type: "error", code, message, next_step: next, ...retry, ...details };
    await write(io.stderr, `${safeJson(line)}\n`);
  } else {
    const wait = retryAfterMs ? ` (in ${formatWait(retryAfterMs)})` : "";
    // What a server says stays on its line: further ones would look like ours.
    const said = error instanceof RefusedError ? sanitiseLine(message) : sanitise(message);
    await remark(io, `sotto: ${said} [${code}]\n  What to do: ${sanitise(next)}${wait}`);
  }
  if (io.env["SOTTO_DEBUG"] && error instanceof Error) {
    await write(io.stderr, `${sanitise(error.stack ?? "")}\n`);
  }
  return usageCodes.has(code) ? 2 : 1;
}

function messageOf(error: unknown): string {
  if (error instanceof SottoError) return error.message === "" ? error.code : error.message;
  return `an unexpected error: ${error instanceof Error ? error.message : String(error)}`;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "EPIPE";
}

function formatWait(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
