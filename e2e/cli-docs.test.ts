/** docs/terminal.md and the commands' own help tell the same, both ways. */
import { describe, expect, test } from "vitest";
import { readDocument } from "./documents.ts";
import { start } from "./support/sotto.ts";

const documentText = readDocument("docs/terminal.md");
const sections = new Map(
  documentText
    .split(/^## sotto /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);

const help = async (...command: readonly string[]): Promise<string> => {
  const { code, stdout } = await start([...command, "--help"], {}).ended;
  if (code !== 0) throw new Error(`sotto ${command.join(" ")} --help ended with ${code}`);
  return stdout;
};
/** Long options of a help text, without those of every command. */
const optionsOf = (text: string): string[] =>
  Array.from(
    (text.split("Global Options:")[0] ?? "").matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm),
    ([, name = ""]) => name,
  )
    .filter((name) => name !== "--help")
    .toSorted();
const subcommandsOf = (text: string): string[] =>
  Array.from(
    (/^Commands:\n(?: .*\n)+/m.exec(text)?.[0] ?? "").matchAll(/^ {2}(\w+) /gm),
    ([, name = ""]) => name,
  ).filter((name) => name !== "help");

test("the document has a section for every command that is not the operator's", async () => {
  const commands = subcommandsOf(await help()).filter((name) => !["serve", "admin"].includes(name));
  expect(Array.from(sections.keys()).toSorted()).toEqual(commands.toSorted());
});

describe.each(Array.from(sections))("sotto %s", (name, section) => {
  test("the table holds the options of the command and its subcommands, and no other", async () => {
    const own = await help(name);
    const texts = [own];
    for (const subcommand of subcommandsOf(own)) texts.push(await help(name, subcommand));
    const documented = Array.from(section.matchAll(/^\| `(--[\w-]+)/gm), ([, option = ""]) => option);
    expect(documented.toSorted()).toEqual(Array.from(new Set(texts.flatMap(optionsOf))).toSorted());
  });
});
