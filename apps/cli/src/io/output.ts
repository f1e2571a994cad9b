/** Writes results to standard output and remarks to standard error, and waits until they are out. */
import type { Io } from "./io.ts";
import { safeJson } from "./sanitise.ts";

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

/** A remark for people that is no result. */
export const remark = (io: Io, line: string): Promise<void> => write(io.stderr, `${line}\n`);
