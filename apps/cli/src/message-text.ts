/** The text of a message: an argument, standard input, or asked for at a terminal; a message with files may do without. */
import type { Context } from "./context.ts";
import { usageFailure } from "./errors.ts";
import { canAsk } from "./io/io.ts";
import { ask } from "./io/prompt.ts";
import { readAll } from "./io/read-all.ts";

/**
 * The text as given; "-" reads it from standard input. `needed` unless there are files beside it.
 * @throws Failure `usage` when it is missing or empty.
 */
export async function messageText(
  context: Context,
  text: string | undefined,
  needed = true,
): Promise<string> {
  if (text === undefined && !needed) return "";
  if (text === "-") {
    const body = (await readAll(context.io.stdin)).replace(/\r?\n$/, "");
    if (body === "")
      throw usageFailure("there is no text on standard input", "pipe the message into the command.");
    return body;
  }
  if (text !== undefined) {
    if (text === "") throw usageFailure("the message is empty", "give some text.");
    return text;
  }
  if (!canAsk(context.io)) {
    throw usageFailure("the text is missing", "give it as an argument, or - to read it from standard input.");
  }
  const typed = await ask(context.io, "Message:");
  if (typed === "") throw usageFailure("the message is empty", "give some text.");
  return typed;
}
