/** A real server in the test's process, with codes in a list and a clock that the test moves. */
import { onTestFinished } from "vitest";
import { startServer, type RunningServer, type ServerConfigInput } from "../../src/index.ts";
import { temporaryFolder } from "./temporary.ts";

export interface TestServer extends RunningServer {
  /** One-time passwords in the order in which they were sent: `OTP for …: 123456`. */
  readonly printed: string[];
  /** Log lines. */
  readonly logged: string[];
  readonly clock: { nowMs: number };
  /** The newest code that was sent to somebody. */
  codeFor(identifier: string): string;
}

/** Starts a server on a free port and a fresh folder; it is closed when the test ends. */
export async function startTestServer(config: ServerConfigInput = {}): Promise<TestServer> {
  const printed: string[] = [];
  const logged: string[] = [];
  const clock = { nowMs: Date.now() };
  const server = await startServer(
    { data: temporaryFolder(), port: 0, resendAfterSec: 0, logLevel: "debug", ...config },
    {
      print: (line) => printed.push(line),
      logTo: { write: (line) => logged.push(line) },
      nowMs: () => clock.nowMs,
    },
  );
  onTestFinished(() => server.close());
  const codeFor = (identifier: string): string => {
    const line = printed.findLast((candidate) => candidate.startsWith(`OTP for ${identifier}: `));
    if (line === undefined) throw new Error(`no code was sent to ${identifier}`);
    return line.slice(-6);
  };
  return { ...server, printed, logged, clock, codeFor };
}
