/** Reads options that several commands share, and normalises what people type. */
import { InvalidArgumentError } from "commander";
import { SottoError, parseId, parseIdentifier } from "@sotto/protocol";
import { Failure } from "./errors.ts";

/** A number of seconds, fractions allowed. For commander's option(). */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0 || seconds > 2_000_000) {
    throw new InvalidArgumentError("It must be a number of seconds, such as 30.");
  }
  return seconds;
}

/** A whole number from 1 on. For commander's option(). */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return count;
}

/** Somebody, as typed: a phone number, an e-mail address, or an account id (32 hexadecimal digits). @throws UsageError `identifier_invalid`. */
export function parsePeer(text: string): string {
  if (parseId(text) !== undefined) return text;
  try {
    return parseIdentifier(text);
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== "identifier_invalid") throw error;
    throw new Failure(
      "identifier_invalid",
      "that is neither a phone number in international form, nor an e-mail address, nor an account id",
      "name a person like +15551230002 or ann@example.org; 'sotto contacts' lists whom you know.",
      { cause: error },
    );
  }
}

/** Help text with examples, for commander's addHelpText("after"). */
export const examples = (...lines: readonly string[]): string =>
  `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
