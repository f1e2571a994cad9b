/** `sotto export`: a readable copy of the history, as JSON, text or a page that any browser shows and prints. */
import { Command, Option } from "commander";
import { contextOf, type Context } from "../context.ts";
import {
  collectHistory,
  type ExportedHistory,
  renderHtml,
  renderJson,
  renderText,
} from "@sotto/client/readable";
import { writePrivateFile } from "../io/private-file.ts";
import { printJson, remark, write } from "../io/output.ts";
import { examples } from "../options.ts";
import { forRecipient, recipientOf } from "../recipient.ts";
import { refresh, withSession } from "../session.ts";

type Format = "json" | "txt" | "html";

interface ExportOptions {
  readonly format: Format;
  readonly out?: string;
  readonly offline?: boolean;
}

const renderers: Readonly<Record<Format, (history: ExportedHistory) => string>> = {
  json: renderJson,
  txt: renderText,
  html: renderHtml,
};

/** The command `export`. */
export function exportCommand(): Command {
  return new Command("export")
    .description("Writes a readable copy of the history. It is no longer encrypted: keep it safe.")
    .argument(
      "[peer]",
      "only this conversation: phone number, e-mail address or account id; a group's name or id",
    )
    .addOption(
      new Option("--format <format>", "form of the copy")
        .choices(["json", "txt", "html"])
        .makeOptionMandatory(),
    )
    .option("--out <file>", "write into a file that only you may read, instead of standard output")
    .option("--offline", "do not ask the server for news first")
    .addHelpText(
      "after",
      examples("sotto export --format html --out history.html", "sotto export --format json"),
    )
    .action(async (peer: string | undefined, options: ExportOptions, command: Command) => {
      const context = contextOf(command);
      await exportHistory(context, peer === undefined ? undefined : recipientOf(context, peer), options);
    });
}

async function exportHistory(
  context: Context,
  peer: string | undefined,
  options: ExportOptions,
): Promise<void> {
  await withSession(context, { connect: options.offline !== true }, async (session) => {
    if (options.offline !== true) await refresh(context, session);
    const { messenger } = session;
    const nowSec = Math.floor(Date.now() / 1000);
    const history = await forRecipient(peer ?? "", () =>
      collectHistory(messenger, messenger.self, peer, nowSec),
    );
    const text = renderers[options.format](history);
    if (options.out === undefined) return await write(context.io.stdout, text);
    await writePrivateFile(options.out, text);
    const messages = history.conversations.reduce((sum, { messages }) => sum + messages.length, 0);
    if (context.json) await printJson(context.io, { type: "exported", file: options.out, messages });
    else
      await remark(
        context.io,
        `${messages} message${messages === 1 ? "" : "s"} written to ${options.out}; the copy is not encrypted.`,
      );
  });
}
