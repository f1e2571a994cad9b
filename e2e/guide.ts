/**
 * Follows a guide as a reader would: a server started with the README's command, and a person at a pseudo-terminal who
 * types the commands, answers the questions, and copies one-time passwords from the server's terminal.
 */
import { spawn as spawnProcess, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn as spawnTerminal } from "@lydell/node-pty";
import { root } from "./documents.ts";

const documentedOrigin = "http://127.0.0.1:8787";
const passphrase = "a long passphrase of your own";

/** Longest that `npm start` may take until its server listens: it builds the web app first where that is not there. */
export const START_MS = 180_000;
const printMs = 30_000;

/** A server and a folder in which commands run. */
export interface Guide {
  /** Runs the lines of a block, each to its end. @returns what each printed. @throws Error when one fails. */
  run(block: string): Promise<string[]>;
  /** The newest one-time password that the server printed for somebody; waits for the first. */
  latestCode(identifier: string): Promise<string>;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Of the server's key, as it printed it. */
  readonly fingerprint: string;
  stop(): Promise<void>;
}

/** Starts a server with `npm start` on a free port. */
export async function startGuide(): Promise<Guide> {
  const folder = await mkdtemp(join(tmpdir(), "sotto-guide-"));
  // `npx sotto` finds the command as it does in the checkout.
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const server = spawnProcess("npm", ["start", "--", "--port", "0", "--data", join(folder, "data")], {
    cwd: root,
    env: environment(),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = collect(server);
  const stop = async (): Promise<void> => {
    await endGroup(server);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const origin = await printed.findLast(/listening on (http:\/\/127\.0\.0\.1:\d+)/g, START_MS);
    const fingerprint = await printed.findLast(/Key fingerprint: (\S{43})/g);
    const latestCode = (identifier: string): Promise<string> =>
      printed.findLast(new RegExp(`OTP for ${identifier.replace("+", "\\+")}: (\\d{6})`, "g"));
    return {
      origin,
      fingerprint,
      latestCode,
      run: async (block) => {
        const outputs: string[] = [];
        const exports: string[] = [];
        for (const line of block.trim().split("\n")) {
          if (line.startsWith("export ")) exports.push(line);
          else outputs.push(await runLine(line, exports, folder, origin, latestCode));
        }
        return outputs;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runLine(
  line: string,
  exports: readonly string[],
  folder: string,
  origin: string,
  latestCode: (identifier: string) => Promise<string>,
): Promise<string> {
  const identifier = /--phone (\S+)/.exec(line)?.[1] ?? "";
  let command = line.replaceAll(documentedOrigin, origin);
  if (command.includes("--code 123456")) {
    command = command.replace("123456", await latestCode(identifier));
  }
  const terminal = spawnTerminal("sh", ["-c", [...exports, command].join("\n")], {
    cwd: folder,
    cols: 400,
    rows: 50,
    env: environment(),
  });
  return new Promise((resolve, reject) => {
    let output = "";
    let answered = 0;
    const timer = setTimeout(() => terminal.kill("SIGKILL"), 60_000);
    terminal.onData((data) => {
      output += data;
      const question = /(passphrase[^\n]*: |the same again: |six digits[^\n]*: |\[y\/N\] )$/i.exec(
        plain(output.slice(answered)),
      );
      if (question === null) return;
      answered = output.length;
      void answerTo(question[1] ?? "", () => latestCode(identifier)).then((text) =>
        terminal.write(`${text}\r`),
      );
    });
    terminal.onExit(({ exitCode, signal }) => {
      clearTimeout(timer);
      const text = plain(output).trim();
      if (exitCode === 0 && !signal) resolve(text);
      else reject(new Error(`${command}\nended with ${signal || exitCode} and printed:\n${text}`));
    });
  });
}

/** What the person types when asked. */
async function answerTo(question: string, latestCode: () => Promise<string>): Promise<string> {
  if (/passphrase|again/i.test(question)) return passphrase;
  return /digits/.test(question) ? await latestCode() : "y";
}

/** Text without escape sequences and carriage returns. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
}

function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(?:SOTTO_|npm_|NODE_OPTIONS|VITEST)/.test(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** Everything that a process prints, to be searched as it comes. */
interface Printed {
  /** The first group of a pattern's last match; waits for the first match. @throws Error when it does not come. */
  findLast(pattern: RegExp, withinMs?: number): Promise<string>;
}

function collect(child: ChildProcess): Printed {
  let text = "";
  let hasEnded = false;
  const waiting = new Set<() => void>();
  const append = (chunk: unknown): void => {
    text += String(chunk);
    for (const wake of waiting) wake();
  };
  child.stdout?.on("data", append);
  child.stderr?.on("data", append);
  // Everything that it printed has come by then.
  child.on("close", () => {
    hasEnded = true;
    append("\n(the server ended)\n");
  });
  return {
    findLast: (pattern, withinMs = printMs) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          clearTimeout(timer);
          waiting.delete(attempt);
          settle();
        };
        const fail = (): void =>
          end(() => reject(new Error(`the server did not print what was expected, but:\n${text}`)));
        const timer = setTimeout(fail, withinMs);
        const attempt = (): void => {
          const found = Array.from(text.matchAll(pattern)).at(-1)?.[1];
          if (found !== undefined) end(() => resolve(found));
          else if (hasEnded) fail();
        };
        waiting.add(attempt);
        attempt();
      }),
  };
}

/** Ends a process and its children, and waits until they are gone. */
function endGroup(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve();
    const { pid } = child;
    child.once("exit", () => resolve());
    process.kill(-pid, "SIGTERM");
    setTimeout(() => {
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }, 10_000).unref();
  });
}
