/** `sotto react`: says what one thinks of a message, with one emoji. */
import { Command } from "commander";
import { changeMessage, type ChangeOptions } from "../changing.ts";
import { contextOf } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, remark } from "../io/output.ts";
import { historyRow, sanitiseLine } from "@sotto/client/readable";
import { examples, parseSeconds } from "../options.ts";

interface ReactOptions extends ChangeOptions {
  readonly remove?: boolean;
}

/** The command `react`. */
export function reactCommand(): Command {
  return new Command("react")
    .description("Reacts to a message with one emoji, in place of your reaction before.")
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .argument("<id>", "the message's id, or how it begins: 'sotto history PEER --ids' shows it")
    .argument("[emoji]", "one emoji")
    .option("--remove", "take your reaction back")
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 30)
    .addHelpText(
      "after",
      examples("sotto react +15551230002 91749c93 👍", "sotto react Climbing 91749c93 --remove"),
    )
    .action(
      async (
        peer: string,
        id: string,
        emoji: string | undefined,
        options: ReactOptions,
        command: Command,
      ) => {
        if ((emoji === undefined) !== (options.remove === true)) {
          throw usageFailure("give one emoji, or --remove", "sotto react +15551230002 91749c93 👍");
        }
        const context = contextOf(command);
        const message = await changeMessage(context, { peer, id }, options, (messenger, where, whole) =>
          messenger.react(where, whole, emoji ?? ""),
        );
        if (context.json) return await printJson(context.io, historyRow(message, false));
        const own = message.reactions?.find((reaction) => reaction.own)?.emoji;
        await remark(
          context.io,
          own === undefined ? "Your reaction is gone." : `Reacted with ${sanitiseLine(own)}.`,
        );
      },
    );
}
