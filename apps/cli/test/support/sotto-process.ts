/** The `sotto` command as people start it: a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { onTestFinished } from "vitest";

const launcher = resolve(import.meta.dirname, "../../bin/sotto");

/** A running command, with what it has said so far. */
export interface SottoProcess {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves with the match as soon as standard output matches. @throws when the command ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts `sotto` with arguments. Whatever is left of it when the test ends is killed. */
export function startSotto(args: readonly string[], env: Record<string, string> = {}): SottoProcess {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("SOTTO_")),
  );
  const child = spawn(launcher, [...args], {
    env: { ...clean, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = (async () => {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return code ?? signal ?? -1;
  })();
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    child,
    out: () => out,
    err: () => err,
    ended,
    waitFor: async (pattern) => {
      for (;;) {
        const match = pattern.exec(out);
        if (match) return match;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`sotto ended with ${child.exitCode ?? child.signalCode}: ${out}${err}`);
        }
        await Promise.race([once(child.stdout, "data"), ended]);
      }
    },
  };
}

/** Runs `sotto` to its end. */
export async function runSotto(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | NodeJS.Signals; out: string; err: string }> {
  const sotto = startSotto(args, env);
  const code = await sotto.ended;
  return { code, out: sotto.out(), err: sotto.err() };
}
