/** `sotto chat`: the full-screen view. Its parts are in ../chat/. */
import { Command } from "commander";
import { contextOf } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { examples } from "../options.ts";
import { firstSteps } from "../first-steps.ts";
import { recipientOf } from "../recipient.ts";
import { withSession } from "../session.ts";

/** The command `chat`. */
export function chatCommand(): Command {
  return new Command("chat")
    .description(
      "Opens the full-screen view: conversations, messages as they come, who is typing. Press ? there for the keys.",
    )
    .argument(
      "[peer]",
      "open this conversation: phone number, e-mail address or account id; a group's name or id",
    )
    .addHelpText("after", examples("sotto chat", "sotto chat +15551230002", 'sotto chat "Book club"'))
    .action(async (peer: string | undefined, _options: object, command: Command) => {
      const context = contextOf(command);
      const { io } = context;
      if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
        throw usageFailure(
          "chat needs a terminal",
          "run it at one; scripts use 'sotto send', 'sotto receive --json' and 'sotto history --json'.",
        );
      }
      const passphrase = await firstSteps(context);
      const who = peer === undefined ? undefined : recipientOf(context, peer);
      const options = { connect: true, ownListener: true, ...(passphrase !== undefined && { passphrase }) };
      await withSession(context, options, async ({ messenger }) => {
        // React's development build is slower, and warns on the screen.
        process.env["NODE_ENV"] ??= "production";
        const { runChat } = await import("../chat/run-chat.ts");
        await runChat(messenger, who, io, context.signal);
      });
    });
}
