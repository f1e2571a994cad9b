/**
 * Who administers a server, and what they did: `admin.jsonl` in the data folder, only ever appended to, mode 0600. A record holds names of
 * commands and options, never their values, so that no secret can get into it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { DATA_FILES } from "./data-folder.ts";

/** Made by the first command that is noted. */
const logFile = "admin.jsonl";

const schema = z.object({
  /** ISO 8601, UTC. */
  at: z.string(),
  /** Of the operating system. */
  user: z.string(),
  /** Who became that user by sudo. */
  sudo: z.string().optional(),
  pid: z.number(),
  command: z.string(),
  /** Names of those that were given. */
  options: z.array(z.string()),
  /** What is not done has failed or was cut off. */
  step: z.enum(["began", "done"]),
});
/** One line of the log. */
export type AdminRecord = z.output<typeof schema>;

/**
 * Appends a record, durably. Does nothing where there is no data folder (yet).
 * @throws what the file system says: the folder may be another's, or read-only.
 */
export function appendAdminRecord(folder: string, record: AdminRecord): void {
  const path = resolve(folder);
  if (!existsSync(join(path, DATA_FILES.marker))) return;
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const file = openSync(join(path, logFile), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    const { uid, gid } = statSync(path);
    // root writes for the folder's owner, who must be able to go on.
    if (process.getuid?.() === 0 && fstatSync(file).uid !== uid) fchownSync(file, uid, gid);
    writeSync(file, `${JSON.stringify(record)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The records, the oldest first; lines that are none are left out. */
export function readAdminLog(folder: string): AdminRecord[] {
  const path = join(resolve(folder), logFile);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      const record = schema.safeParse(parsed(line));
      return record.success ? [record.data] : [];
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
