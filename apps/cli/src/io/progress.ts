/** A line that is drawn over itself while something goes on. Only at a terminal: a file or a pipe gets nothing of it. */
import { formatSize } from "@sotto/client/readable";
import type { Io } from "./io.ts";

const barColumns = 24;

/** "███░░░  3 of 6"; empty when there is nothing to count. */
export function progressBar(done: number, all: number, columns: number = barColumns): string {
  if (all < 1) return "";
  const full = Math.floor((Math.min(done, all) / all) * columns);
  return `${"\u2588".repeat(full)}${"\u2591".repeat(columns - full)}  ${Math.min(done, all)} of ${all}`;
}

/** "███░░░  1.2 MB of 3.0 MB". */
export function transferBar(done: number, all: number): string {
  const percent = all < 1 ? 100 : Math.floor((Math.min(done, all) / all) * 100);
  const [bar = ""] = progressBar(percent, 100).split("  ");
  return `${bar}  ${formatSize(Math.min(done, all))} of ${formatSize(all)}`;
}

/** A line on standard error. */
export interface StatusLine {
  /** Draws the text in place of what stood there; sanitised, and shorter than a row. */
  show(text: string): void;
  /** Takes it away, so that other text can follow. */
  clear(): void;
}

/** The status line of a command. `quiet`: shows nothing. */
export function statusLine({ stderr }: Io, quiet: boolean): StatusLine {
  if (quiet || stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  const wipe = "\r\u001b[2K";
  return {
    show: (text) => void stderr.write(`${wipe}${text}`),
    clear: () => void stderr.write(wipe),
  };
}
