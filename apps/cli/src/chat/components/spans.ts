/** Draws lines of styled pieces. */
import { createElement as h, type ReactElement } from "react";
import { Box, Text } from "ink";
import type { Line } from "../lines.ts";
import type { Theme } from "../theme.ts";

/** One row. */
function Row({ line, theme }: { readonly line: Line; readonly theme: Theme }): ReactElement {
  const spans = line.map(({ text, style }, index) => h(Text, { key: index, ...theme[style] }, text));
  return h(Text, { wrap: "truncate" }, line.length === 0 ? " " : spans);
}

interface RowsProps {
  readonly lines: readonly Line[];
  /** Height of the block; missing rows stay empty above (`bottom`) or below. */
  readonly rows: number;
  readonly align?: "top" | "bottom";
  readonly theme: Theme;
}

/** A block of rows with a fixed height. */
export function Rows({ lines, rows, align = "top", theme }: RowsProps): ReactElement {
  const props = {
    flexDirection: "column",
    height: rows,
    overflow: "hidden",
    justifyContent: align === "top" ? "flex-start" : "flex-end",
  } as const;
  return h(Box, props, ...lines.slice(0, rows).map((line, index) => h(Row, { key: index, line, theme })));
}
