/** Runs a command within the test's process, with streams of its own: what it says and how it ends are the same, in a tenth of the time. */
import { PassThrough } from "node:stream";
import { run } from "../../src/run.ts";

/** Runs `sotto` to its end. For commands that neither wait for signals nor change the process. */
export async function runHere(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let [out, err] = ["", ""];
  stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  stdin.end();
  const code = await run(args, { stdin, stdout, stderr, env });
  return { code, out, err };
}
