/** What proves an identifier: a one-time code that the server sends to it. Shared by all commands that need one. */
import { SottoError, parseIdentifier, type Identifier } from "@sotto/protocol";
import type { ServerChoice } from "@sotto/client";
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { Failure, usageFailure } from "./errors.ts";
import { canAsk } from "./io/io.ts";
import { printJson, printLine, remark } from "./io/output.ts";
import { ask } from "./io/prompt.ts";

/** Options of commands that prove an identifier to a server. */
export interface IdentityFlags {
  readonly server?: string;
  readonly serverKey?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly code?: string;
  readonly requestOnly?: boolean;
}

/** Adds these options to a command. */
export function withIdentityOptions(command: Command): Command {
  return command
    .option("--server <url>", "invite link (sotto://…) or address (https://…) of the server (SOTTO_SERVER)")
    .option(
      "--server-key <key>",
      "fingerprint of the server's key, or a file with its public key (SOTTO_SERVER_KEY)",
    )
    .option("--phone <number>", "your phone number in international form")
    .option("--email <address>", "your e-mail address, instead of a phone number")
    .option("--code <digits>", "the one-time code, if you have it; - reads it from standard input")
    .option("--request-only", "only have the code sent; a later call gives it with --code");
}

/** @throws Failure `usage` for options that exclude each other. */
export function checkCodeFlags(flags: IdentityFlags): void {
  if (flags.requestOnly === true && flags.code !== undefined) {
    throw usageFailure("--request-only and --code exclude each other", "give one of them.");
  }
}

/** @throws Failure `usage` when a code is needed, and nobody can be asked for it. */
export function requireCode(context: Context, flags: IdentityFlags): void {
  if (flags.code !== undefined || canAsk(context.io)) return;
  throw usageFailure(
    "the code is missing, and there is no terminal to ask at",
    "have it sent with --request-only, then give it with --code N (or --code - to read it from standard input).",
  );
}

/** Whose account it is: from flags, or the person at the terminal. @throws Failure `usage`, `identifier_invalid`. */
export async function chooseIdentifier(context: Context, flags: IdentityFlags): Promise<Identifier> {
  if (flags.phone !== undefined && flags.email !== undefined) {
    throw usageFailure("--phone and --email exclude each other", "an account has one of them.");
  }
  if (flags.phone !== undefined) return checked(flags.phone, "phone");
  if (flags.email !== undefined) return checked(flags.email, "email");
  if (!canAsk(context.io)) {
    throw usageFailure(
      "the phone number is missing, and there is no terminal to ask at",
      "give --phone +15551230001 or --email ann@example.org.",
    );
  }
  return parseIdentifier(await ask(context.io, "Your phone number (+15551230001) or e-mail address:"));
}

function checked(text: string, flag: "phone" | "email"): Identifier {
  const identifier = parseIdentifier(text);
  if (identifier.includes("@") === (flag === "email")) return identifier;
  throw new Failure(
    "identifier_invalid",
    `--${flag} does not look like ${flag === "email" ? "an e-mail address" : "a phone number"}`,
    "a phone number goes with --phone +15551230001, an e-mail address with --email ann@example.org.",
  );
}

/** Has a code sent, and says so. `forExisting`: to come back to an account. */
export async function requestOnly(
  context: Context,
  choice: ServerChoice,
  identifier: Identifier,
  forExisting: boolean,
): Promise<void> {
  const { requestCode } = await import("@sotto/client/node");
  const { expiresInSec, resendAfterSec } = await requestCode({ ...choice, identifier, forExisting });
  if (context.json) {
    const members = { identifier, expires_in_sec: expiresInSec, resend_after_sec: resendAfterSec };
    await printJson(context.io, { type: "code_requested", ...members });
    return;
  }
  await printLine(
    context.io,
    `A code is on its way to ${identifier}; it works for ${Math.round(expiresInSec / 60)} minutes.`,
  );
  await remark(context.io, "Next: the same command with --code N instead of --request-only.");
}

/** What the SDK takes: the code itself, or how to get it once the server has sent it. */
type Code = string | (() => Promise<string>);

/** Tries that the server allows for one code. */
const mostTries = 5;

/** Does something with the code. A person who mistypes it is asked again, as often as the server lets them. */
export async function withCode<T>(
  context: Context,
  given: string | undefined,
  identifier: Identifier,
  use: (code: Code) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return await use(given === "-" ? () => readLine(context) : given.trim());
  const question = `The six digits that the server sent to ${identifier}:`;
  let code: Code = () => ask(context.io, question);
  for (let tries = 1; ; tries++) {
    try {
      return await use(code);
    } catch (error) {
      const isWrong = error instanceof SottoError && error.code === "code_refused";
      if (!isWrong || tries === mostTries) throw error;
      await remark(context.io, "The server did not take that code. Once more (Ctrl+C gives up):");
      code = await ask(context.io, question);
    }
  }
}

async function readLine(context: Context): Promise<string> {
  let text = "";
  for await (const chunk of context.io.stdin) {
    text += String(chunk);
    if (text.includes("\n") || text.length > 100) break;
  }
  return (text.split("\n")[0] ?? "").trim();
}
