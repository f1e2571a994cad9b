/** What the commands that change a message share: find it, change it, and wait until the server has that. */
import type { Messenger } from "@sotto/client";
import type { Context } from "./context.ts";
import { messageIdOf } from "./message-id.ts";
import { forRecipient, isKnown, recipientOf } from "./recipient.ts";
import { refresh, timeoutFailure, withSession } from "./session.ts";

/** Options of all of them. */
export interface ChangeOptions {
  readonly timeout: number;
}

/** Runs `act` with the conversation and the whole id, and waits until what it queued is with the server. */
export async function changeMessage<T>(
  context: Context,
  where: { readonly peer: string; readonly id: string },
  { timeout }: ChangeOptions,
  act: (messenger: Messenger, peer: string, id: string) => Promise<T>,
): Promise<T> {
  const peer = recipientOf(context, where.peer);
  return await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    if (!(await isKnown(messenger, peer))) await refresh(context, session);
    const result = await forRecipient(peer, async () =>
      act(messenger, peer, await messageIdOf(messenger, peer, where.id)),
    );
    if (!(await session.within(timeout, (signal) => messenger.flushed({ signal })))) {
      throw timeoutFailure(session, "it is queued, but the server does not have it yet", {
        status: "queued",
      });
    }
    return result;
  });
}
