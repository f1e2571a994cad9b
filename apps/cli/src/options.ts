/** Reads options that several commands share, and normalises what people type. */
import { InvalidArgumentError } from "commander";
import { parseId, parseIdentifier } from "@sotto/protocol";

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
  return parseId(text) === undefined ? parseIdentifier(text) : text;
}

/** Help text with examples, for commander's addHelpText("after"). */
export const examples = (...lines: readonly string[]): string =>
  `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
