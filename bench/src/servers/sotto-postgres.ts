/**
 * Sotto over PostgreSQL: one node, or two with NATS between them. The database runs as its package has it, durable, with room for what it
 * works on in memory; its CPU time counts as the server's.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sotto/testkit/free-port";
import { TestPostgres, program as postgresProgram } from "@sotto/testkit/postgres";
import { outputOf, start, type Running } from "../host/child.ts";
import { benchSettings } from "./postgres-settings.ts";
import { registerAll, serve } from "./sotto.ts";
import type { Target } from "./target.ts";

/** The target. @param program the bench's own entry point. */
export function sottoOnPostgres(program: string, nodes: 1 | 2): Target {
  let template = "";
  let filled = "";
  let postgres: TestPostgres | undefined;
  const database = (): TestPostgres => {
    if (postgres === undefined) throw new Error("PostgreSQL was not started");
    return postgres;
  };
  return {
    name: nodes === 1 ? "sotto-postgres" : "sotto-postgres-2",
    title: nodes === 1 ? "Sotto on PostgreSQL, one node" : "Sotto on PostgreSQL, two nodes and NATS",
    scenarios: ["exchange", "paced", "fan-out", "away", "killed"],
    async version() {
      const [installed, bus] = [await versionOfPostgres(), await outputOf("nats-server", ["--version"])];
      return nodes === 2 && bus === undefined ? undefined : installed;
    },
    async prepare(workFolder, users) {
      template = join(workFolder, `sotto-postgres-${nodes}-template`);
      mkdirSync(template);
      postgres = await TestPostgres.start({ durable: true, settings: benchSettings });
      filled = await database().createDatabase();
      await registerAll(program, template, users, ["--database", filled]);
    },
    async close() {
      await postgres?.stop();
    },
    async start(folder) {
      const noted = join(folder, "database");
      // It is started on the same files again after it was killed.
      const url = existsSync(noted) ? readFileSync(noted, "utf8") : await database().createDatabase(filled);
      writeFileSync(noted, url);
      const started: { server: Running; port: number }[] = [];
      const args = ["--database", url];
      let bus: Running | undefined;
      if (nodes === 2) {
        const port = await freePort();
        bus = await start("nats-server", ["-a", "127.0.0.1", "-p", String(port)], {
          ready: (output) => output.includes("Server is ready"),
        });
        args.push("--nats", `nats://127.0.0.1:${port}`);
      }
      for (let i = 0; i < nodes; i++) {
        const own = join(folder, `node-${i}`);
        if (!existsSync(own)) cpSync(template, own, { recursive: true });
        rmSync(join(own, "data", "lock"), { recursive: true, force: true });
        const { server, endpoint } = await serve(own, [], args);
        if (endpoint.kind === "sotto") started.push({ server, port: endpoint.ports[0]! });
      }
      const [first, ...otherNodes] = started.map(({ server }) => server);
      const others = bus === undefined ? otherNodes : [...otherNodes, bus];
      const stopOthers = async (): Promise<void> => {
        await Promise.all(others.map((each) => each.stop()));
      };
      return {
        server: {
          pid: first!.pid,
          stop: async () => {
            await first!.stop();
            await stopOthers();
          },
          kill: async () => {
            await first!.kill();
            await stopOthers();
          },
        },
        otherPids: [...others.map(({ pid }) => pid), database().pid],
        endpoint: {
          kind: "sotto",
          ports: started.map(({ port }) => port),
          accountsFile: join(template, "accounts"),
        },
        collectsOnSignal: false,
      };
    },
  };
}

async function versionOfPostgres(): Promise<string | undefined> {
  try {
    return /PostgreSQL\) (\S+)/.exec((await outputOf(postgresProgram("postgres"), ["--version"])) ?? "")?.[1];
  } catch {
    return undefined;
  }
}
