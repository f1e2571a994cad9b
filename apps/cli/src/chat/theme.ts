/** Colours of the chat screen. Nothing is told by colour alone, and with NO_COLOR (no-color.org) there is none. */
import type { TextProps } from "ink";
import type { Style } from "./lines.ts";

/** How pieces of text are drawn. */
export type Theme = Readonly<Record<Style | "bar" | "offline" | "key", TextProps>>;

const plain: Theme = {
  text: {},
  strong: { bold: true },
  dim: { dimColor: true },
  mine: { bold: true },
  theirs: { bold: true },
  pending: { dimColor: true },
  good: {},
  bad: { bold: true },
  bar: { inverse: true },
  offline: { bold: true },
  key: { bold: true },
};

const coloured: Theme = {
  ...plain,
  mine: { bold: true, color: "green" },
  theirs: { bold: true, color: "cyan" },
  pending: { color: "yellow" },
  good: { color: "green" },
  bad: { color: "red", bold: true },
  offline: { color: "yellow", bold: true },
  key: { bold: true, color: "cyan" },
};

/** The theme for an environment. */
export function themeFor(env: Readonly<Record<string, string | undefined>>): Theme {
  const noColour = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return noColour ? plain : coloured;
}
