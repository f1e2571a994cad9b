/** A real server in this process, and accounts on it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { startServer, type RunningServer } from "@sotto/server";
import { open, register, type Messenger } from "../../src/node.ts";

/** A server with its folder. */
export interface TestServer {
  readonly running: RunningServer;
  readonly folder: string;
  /** Registers an identifier in a fresh home, and returns the home. */
  register(identifier: string, options?: { home?: string; passphrase?: string }): Promise<string>;
  /** Registers and opens. */
  join(identifier: string): Promise<Messenger>;
  /** The last code that was sent to an identifier. */
  code(identifier: string): string;
  /** Stops it and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const PASSPHRASE = "correct horse battery staple";

/** Starts a server on a free port; codes go to a file. */
export async function testServer(config: Record<string, unknown> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "sotto-client-"));
  const codes = join(folder, "codes.jsonl");
  const homes: string[] = [];
  const opened: Messenger[] = [];
  const start = (port: number) =>
    startServer(
      {
        data: join(folder, "data"),
        port,
        host: "127.0.0.1",
        otp: `file:${codes}`,
        logLevel: "silent",
        ...config,
      },
      { logTo: new Writable({ write: (_chunk, _encoding, done) => done() }) },
    );
  const server: TestServer & { running: RunningServer } = {
    folder,
    running: await start(0),
    code: (identifier) => lastCode(codes, identifier),
    async register(identifier, options = {}) {
      const home = options.home ?? join(folder, `home-${homes.length}`);
      homes.push(home);
      await register({
        home,
        identifier,
        passphrase: options.passphrase ?? PASSPHRASE,
        server: server.running.invite,
        code: async () => lastCode(codes, identifier),
      });
      return home;
    },
    async join(identifier) {
      const home = await server.register(identifier);
      const messenger = await open({ home, passphrase: PASSPHRASE });
      opened.push(messenger);
      return messenger;
    },
    async restart() {
      const port = Number(new URL(server.running.address).port);
      await server.running.close();
      server.running = await start(port);
    },
    async stop() {
      for (const messenger of opened) await messenger.close();
      await server.running.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

function lastCode(path: string, identifier: string): string {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const codes = lines.map((line) => JSON.parse(line) as { identifier: string; code: string });
  const found = codes.findLast((line) => line.identifier === identifier);
  if (found === undefined) throw new Error("no code was sent");
  return found.code;
}
