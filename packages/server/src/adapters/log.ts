/** Where log lines go: JSON for machines, short lines for a person at a terminal. The journal of systemd is told how grave each is. */
import { fstatSync } from "node:fs";
import { pino, type Logger } from "pino";

/** What takes log lines; a terminal says so by `isTTY`. */
export interface LogStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The file that it writes to. */
  readonly fd?: number;
}

/**
 * @param level from the configuration.
 * @param journal which file is the journal, by systemd's JOURNAL_STREAM.
 */
export function createLogger(
  level: string,
  stream: LogStream,
  journal: string | undefined = process.env["JOURNAL_STREAM"],
): Logger {
  const form = stream.isTTY === true ? short : isFile(stream.fd, journal) ? graded : undefined;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stream.write(form?.(line) ?? line) },
  );
}

/** `12:34:56 warn: message {"more":"fields"}`, the time in UTC. */
function short(line: string): string {
  const { level, time, msg, ...more } = JSON.parse(line) as { level: string; time: string; msg: string };
  const fields = Object.keys(more).length === 0 ? "" : ` ${JSON.stringify(more)}`;
  return `${time.slice(11, 19)} ${level}: ${msg}${fields}\n`;
}

/** Levels of syslog, by the one that pino writes first. */
const grades = new Map([
  ["error", 3],
  ["warn", 4],
  ["info", 6],
  ["debug", 7],
]);

/** The line after `<3>`, which the journal takes off: `journalctl -p err` finds errors by it. */
function graded(line: string): string {
  const [, level = ""] = /^\{"level":"(\w+)"/.exec(line) ?? [];
  return `<${grades.get(level) ?? 6}>${line}`;
}

/** Whether a file is the one with this device and inode, `8:1234`. */
function isFile(fd: number | undefined, place: string | undefined): boolean {
  if (fd === undefined || place === undefined || place === "") return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}` === place;
}
