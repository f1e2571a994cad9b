/** Where log lines go: JSON for machines, short lines for a person at a terminal. */
import { pino, type Logger } from "pino";

/** What takes log lines; a terminal says so by `isTTY`. */
export interface LogStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** @param level from the configuration. */
export function createLogger(level: string, stream: LogStream): Logger {
  const person = stream.isTTY === true;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stream.write(person ? short(line) : line) },
  );
}

/** `12:34:56 warn: message {"more":"fields"}`, the time in UTC. */
function short(line: string): string {
  const { level, time, msg, ...more } = JSON.parse(line) as { level: string; time: string; msg: string };
  const fields = Object.keys(more).length === 0 ? "" : ` ${JSON.stringify(more)}`;
  return `${time.slice(11, 19)} ${level}: ${msg}${fields}\n`;
}
