/** `sotto delete`: takes a message back from everybody, or deletes it here. */
import { Command } from "commander";
import { changeMessage, type ChangeOptions } from "../changing.ts";
import { contextOf } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, remark } from "../io/output.ts";
import { examples, parseSeconds } from "../options.ts";

interface DeleteOptions extends ChangeOptions {
  readonly here?: boolean;
}

/** The command `delete`. */
export function deleteCommand(): Command {
  return new Command("delete")
    .description(
      "Takes a message that you sent back from everybody; with --here, deletes one on this device only.",
    )
    .argument("<peer>", "phone number, e-mail address or account id; a group's name or id")
    .argument("<id>", "the message's id, or how it begins: 'sotto history PEER --ids' shows it")
    .option("--here", "delete it on this device only, whoever sent it")
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 30)
    .addHelpText(
      "after",
      examples("sotto delete +15551230002 91749c93", "sotto delete +15551230002 91749c93 --here"),
    )
    .action(async (peer: string, id: string, options: DeleteOptions, command: Command) => {
      const context = contextOf(command);
      const forEveryone = options.here !== true;
      const deleted = await changeMessage(context, { peer, id }, options, async (messenger, where, whole) => {
        if (forEveryone && (await messenger.message(where, whole)).direction === "in") {
          throw usageFailure(
            "only whoever sent a message can take it back",
            "--here deletes it on this device only.",
          );
        }
        await messenger.deleteMessage(where, whole, { forEveryone });
        return whole;
      });
      if (context.json) {
        return await printJson(context.io, { type: "deleted", id: deleted, for_everyone: forEveryone });
      }
      await remark(
        context.io,
        forEveryone ? "Taken back. What somebody has read or copied, they have." : "Deleted on this device.",
      );
    });
}
