/** `sotto timer`: how long new messages of a conversation are kept. */
import { Command } from "commander";
import type { Messenger } from "@sotto/client";
import { contextOf } from "../context.ts";
import { formatDuration, parseTimer } from "../duration.ts";
import { printJson, printLine } from "../io/output.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { examples, parseSeconds } from "../options.ts";
import { forRecipient, isKnown, recipientOf } from "../recipient.ts";
import { refresh, timeoutFailure, unlessAborted, withSession } from "../session.ts";

/** The command `timer`. */
export function timerCommand(): Command {
  return new Command("timer")
    .description("Shows or sets how long new messages of a conversation are kept before they disappear.")
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .argument("[duration]", "how long after they were read: 30s, 5m, 1h, 7d, 4w; or off", parseTimer)
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 60)
    .addHelpText(
      "after",
      examples("sotto timer +15551230002 7d", 'sotto timer "Book club" off', "sotto timer Climbing"),
    )
    .action(
      async (
        typed: string,
        seconds: number | undefined,
        options: { readonly timeout: number },
        command: Command,
      ) => {
        const context = contextOf(command);
        const peer = recipientOf(context, typed);
        await withSession(context, { connect: true }, async (session) => {
          const { messenger } = session;
          if (seconds === undefined || !(await isKnown(messenger, peer))) await refresh(context, session);
          if (seconds !== undefined) {
            const set = await session.within(options.timeout, (signal) =>
              unlessAborted(
                forRecipient(peer, async () => {
                  if (!(await isGroup(messenger, peer))) await messenger.contact(peer);
                  await messenger.setTimer(peer, seconds);
                }),
                signal,
              ),
            );
            if (!set) throw timeoutFailure(session, "the change is stored, but not made yet");
          }
          const now = seconds ?? (await timerOf(messenger, peer));
          if (context.json) await printJson(context.io, { type: "timer", conversation: peer, seconds: now });
          else await printLine(context.io, `${sanitiseLine(peer)}: ${formatDuration(now)}`);
        });
      },
    );
}

async function isGroup(messenger: Messenger, peer: string): Promise<boolean> {
  return (await messenger.groups()).some(({ id, name }) => id === peer || name === peer);
}

async function timerOf(messenger: Messenger, peer: string): Promise<number> {
  // Names the conversation, or says that there is none.
  await forRecipient(peer, () => messenger.history(peer, { limit: 1 }));
  const found = (await messenger.conversations()).find(
    (one) => one.group?.id === peer || one.peer === peer || one.contact?.accountId === peer,
  );
  return found?.timer ?? 0;
}
