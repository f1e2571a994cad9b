/** A line that somebody fills in: who is meant, what a group is called. */
import { layOutDraft } from "../editor.ts";
import { line, paragraphs, type Line } from "../lines.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { quickReactions, type Asked, type Prompt } from "../overlay.ts";
import { groupTitle } from "../titles.ts";

interface Words {
  readonly title: string;
  readonly question: string;
  readonly enter: string;
  readonly busy: string;
}

const people = "Phone numbers (+15551230002) or e-mail addresses, with spaces between:";

function wordsFor(asked: Asked): Words {
  switch (asked.kind) {
    case "person":
      return {
        title: "Write to somebody",
        question: "Their phone number (+15551230002) or e-mail address:",
        enter: "Enter looks them up, Esc goes back.",
        busy: "Looking them up \u2026",
      };
    case "link-code":
      return {
        title: "Link a new device",
        question:
          "On the new device run 'sotto chat' or 'sotto devices link', and type the code that its screen shows:",
        enter: "Enter shows what asks, Esc goes back.",
        busy: "Looking it up \u2026",
      };
    case "group-name":
      return {
        title: "Make a group",
        question: "What it is called:",
        enter: "Enter goes on, Esc goes back.",
        busy: "",
      };
    case "group-people":
      return {
        title: `Make the group ${groupTitle(asked.name)}`,
        question: people,
        enter: "Enter makes the group, Esc goes back.",
        busy: "Making the group \u2026",
      };
    case "add":
      return {
        title: `Add people to ${groupTitle(asked.name)}`,
        question: people,
        enter: "Enter adds them, Esc goes back.",
        busy: "Adding them \u2026",
      };
    case "rename":
      return {
        title: `Rename ${groupTitle(asked.name)}`,
        question: "The new name, for everybody in it:",
        enter: "Enter renames it, Esc goes back.",
        busy: "Renaming it \u2026",
      };
    case "timer":
      return {
        title: `Disappearing messages with ${sanitiseLine(asked.name)}`,
        question: "How long new messages are kept after they were read: 30s, 5m, 1h, 7d, 4w; or off:",
        enter: "Enter sets it, for everybody. Esc goes back.",
        busy: "Setting it \u2026",
      };
    case "react":
      return {
        title: "React",
        question: `An emoji, or a digit: ${quickReactions.map((one, n) => `${n + 1} ${one}`).join("  ")}  0 none`,
        enter: "Enter reacts, Esc goes back.",
        busy: "",
      };
  }
}

const mark = "> ";

/** The lines of a prompt. */
export function promptLines({ asked, draft, problem, busy }: Prompt, columns: number): readonly Line[] {
  const words = wordsFor(asked);
  const { rows } = layOutDraft(draft, columns - mark.length);
  return [
    ...above(words, columns),
    ...rows.map((text, index): Line => [
      { text: index === 0 ? mark : "  ", style: "theirs" },
      { text, style: "text" },
    ]),
    [],
    ...(problem === undefined ? [] : paragraphs(problem, columns, "bad")),
    line(busy ? words.busy : words.enter, "dim"),
  ];
}

const above = ({ title, question }: Words, columns: number): readonly Line[] => [
  ...paragraphs(title, columns, "mine"),
  [],
  ...paragraphs(question, columns),
];

/** Where the cursor stands in a prompt: row and column within it. */
export function promptCursor({ asked, draft }: Prompt, columns: number): { x: number; y: number } {
  const { row, column } = layOutDraft(draft, columns - mark.length);
  return { x: mark.length + column, y: above(wordsFor(asked), columns).length + row };
}
