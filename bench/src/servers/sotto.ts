/**
 * Sotto as anyone runs it: `sotto serve` in a process of its own with embedded SQLite, durable before it answers.
 * Its accounts are registered once, for real, and the data folder is copied for each round.
 */
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@sotto/testkit/free-port";
import { start } from "../host/child.ts";
import { runJob } from "../load/generator.ts";
import { type StartedServer, type Target, collectOnSignal } from "./target.ts";

const cli = fileURLToPath(new URL("../../../apps/cli/src/main.ts", import.meta.url));

// A handful of accounts sends here what a whole server's accounts send elsewhere.
const plenty = { burst: 1e12, perHour: 1e12 };
const unlimited = JSON.stringify({ appendsPerAccount: plenty, appendedBytesPerAccount: plenty });

/** Ours can also be started by hand, on a copy of the folder with the accounts. */
export interface SottoTarget extends Target {
  /** Copies the prepared accounts and data into a folder. */
  copyTo(folder: string): void;
}

/** The target. @param program the bench's own entry point. */
export function sotto(program: string): SottoTarget {
  let template = "";
  return {
    name: "sotto",
    title: "Sotto (stores everything, fsync before each answer)",
    scenarios: ["exchange", "paced", "fan-out", "away", "killed", "idle"],
    async version() {
      return existsSync(cli) ? "0.1.0" : undefined;
    },
    async prepare(workFolder, users) {
      template = join(workFolder, "sotto-template");
      mkdirSync(template);
      await registerAll(program, template, users);
    },
    copyTo(folder) {
      cpSync(template, folder, { recursive: true });
    },
    async start(folder, scenario) {
      if (!existsSync(join(folder, "data"))) this.copyTo(folder);
      const collects = scenario === "idle";
      return { ...(await serve(folder, collects ? collectOnSignal : [])), collectsOnSignal: collects };
    },
  };
}

/**
 * Registers so many accounts, for real: then `folder` holds their keys beside what the server keeps.
 * @param program the bench's own entry point.
 * @param more arguments for `sotto serve`.
 */
export async function registerAll(
  program: string,
  folder: string,
  accounts: number,
  more: readonly string[] = [],
): Promise<void> {
  const { server, endpoint } = await serve(folder, [], more);
  await runJob<"register">([program, "role:generator"], {
    type: "register",
    endpoint,
    pids: [server.pid],
    accounts,
    codesFile: join(folder, "codes"),
  });
  await server.stop();
}

/**
 * Starts `sotto serve` with everything in `folder`.
 * @param node arguments for Node itself.
 * @param more arguments for the command.
 */
export async function serve(
  folder: string,
  node: readonly string[],
  more: readonly string[] = [],
): Promise<Omit<StartedServer, "collectsOnSignal">> {
  const port = await freePort();
  const server = await start(
    process.execPath,
    [
      ...node,
      cli,
      "serve",
      "--data",
      join(folder, "data"),
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--otp",
      `file:${join(folder, "codes")}`,
      "--limits",
      unlimited,
      ...more,
    ],
    { ready: (output) => output.includes(`listening on http://127.0.0.1:${port}`) },
  );
  return { server, endpoint: { kind: "sotto", ports: [port], accountsFile: join(folder, "accounts") } };
}
