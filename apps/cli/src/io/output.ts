/** Writes results to standard output and remarks to standard error, and waits until they are out. */
import { wrap } from "../chat/text.ts";
import type { Io } from "./io.ts";
import { safeJson } from "@sotto/client/readable";

/** Resolves when the stream has taken the text; rejects when its reader is gone (EPIPE). */
export function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** One line of a result. The text must be sanitised already where others wrote it. */
export const printLine = (io: Io, line: string): Promise<void> => write(io.stdout, `${line}\n`);

/** One JSON object on a line of its own. */
export const printJson = (io: Io, value: object): Promise<void> => write(io.stdout, `${safeJson(value)}\n`);

/** A remark for people that is no result; at a terminal no word is broken at the edge. The text must be sanitised. */
export const remark = ({ stderr }: Io, text: string): Promise<void> => {
  const { isTTY, columns } = stderr;
  return write(stderr, `${isTTY === true && columns ? wrapProse(text, columns) : text}\n`);
};

/** Breaks lines that are too long at spaces; what follows keeps the indent of its line. */
export function wrapProse(text: string, columns: number): string {
  return text
    .split("\n")
    .flatMap((line) => {
      const indent = /^(?:! |sotto: | *)/.exec(line)?.[0] ?? "";
      const [first = "", ...rest] = wrap(line.slice(indent.length), columns - indent.length);
      return [`${indent}${first}`, ...rest.map((more) => `${" ".repeat(indent.length)}${more}`)];
    })
    .join("\n");
}
