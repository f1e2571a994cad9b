/** `sotto edit`: a new text for a message that was sent. */
import { Command } from "commander";
import { changeMessage, type ChangeOptions } from "../changing.ts";
import { contextOf } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { messageText } from "../message-text.ts";
import { examples, parseSeconds } from "../options.ts";
import { formatMessage, historyRow } from "@sotto/client/readable";

/** The command `edit`. */
export function editCommand(): Command {
  return new Command("edit")
    .description("Changes the text of a message that you sent, for everybody.")
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .argument("<id>", "the message's id, or how it begins: 'sotto history PEER --ids' shows it")
    .argument("[text]", "the new text; - reads it from standard input (one newline at its end is dropped)")
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 30)
    .addHelpText("after", examples('sotto edit +15551230002 91749c93 "See you at seven"'))
    .action(
      async (
        peer: string,
        id: string,
        text: string | undefined,
        options: ChangeOptions,
        command: Command,
      ) => {
        const context = contextOf(command);
        const body = await messageText(context, text);
        const message = await changeMessage(context, { peer, id }, options, (messenger, where, whole) =>
          messenger.edit(where, whole, body),
        );
        if (context.json) await printJson(context.io, historyRow(message, false));
        else await printLine(context.io, formatMessage(message));
      },
    );
}
