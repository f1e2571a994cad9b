/** Which message of a conversation a person means: by its id, or by how its id begins, as `sotto history --ids` shows it. */
import type { Messenger } from "@sotto/client";
import { usageFailure } from "./errors.ts";

const whole = /^[0-9a-f]{32}$/;
const beginning = /^[0-9a-f]{4,31}$/;
/** Where it is looked for when only its beginning is given: among so many of the newest messages. */
const newest = 1_000;

/** The whole id. @throws Failure `usage` when none, or more than one, begins so. */
export async function messageIdOf(messenger: Messenger, conversation: string, text: string): Promise<string> {
  const id = text.trim().replace(/^#/, "").toLowerCase();
  if (whole.test(id)) return id;
  const hint = "'sotto history PEER --ids' shows them; four digits are enough where they tell it apart.";
  if (!beginning.test(id)) throw usageFailure(`'${text}' is no id of a message`, hint);
  const messages = await messenger.history(conversation, { limit: newest });
  const found = messages.filter((message) => message.id.startsWith(id));
  if (found.length === 1 && found[0] !== undefined) return found[0].id;
  throw usageFailure(
    found.length === 0
      ? `no message of that conversation has an id that begins with ${id}`
      : `several messages have an id that begins with ${id}`,
    hint,
  );
}
