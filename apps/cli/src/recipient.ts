/**
 * Whom a command is about: a person, or a group. Groups are known only to the account, so a text that is no person's is
 * left to the SDK to resolve; when it knows no such group either, the error says what both look like.
 */
import { existsSync } from "node:fs";
import type { Messenger } from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import type { Context } from "./context.ts";
import { Failure } from "./errors.ts";
import { parsePeer } from "./options.ts";

/** A recipient as typed, normalised where it names a person. @throws UsageError `identifier_invalid` where there is no account, and so no group. */
export function recipientOf(context: Context, text: string): string {
  try {
    return parsePeer(text);
  } catch (error) {
    if (!existsSync(context.home)) throw error;
    return text.trim();
  }
}

/** Whether a recipient is a person, or a group that this device has already. */
export async function isKnown(messenger: Messenger, recipient: string): Promise<boolean> {
  if (namesPerson(recipient)) return true;
  return (await messenger.groups()).some(({ id, name }) => id === recipient || name === recipient);
}

function namesPerson(text: string): boolean {
  try {
    parsePeer(text);
    return true;
  } catch {
    return false;
  }
}

/** Runs what the SDK does with a recipient. @throws Failure `identifier_invalid` that speaks of groups too, or what `use` throws. */
export async function forRecipient<T>(recipient: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== "identifier_invalid") throw error;
    throw new Failure(
      "identifier_invalid",
      `'${recipient}' is none of your groups, and neither a phone number nor an e-mail address`,
      "'sotto group list' shows your groups; a person is +15551230002 or ann@example.org.",
      { cause: error },
    );
  }
}
