/** The load generator: a process of its own that does one job, told and answered over the channel to its parent. */
import { type ChildProcess, fork } from "node:child_process";
import type { Client, Endpoint } from "../clients/client.ts";
import { mqttClient } from "../clients/mqtt.ts";
import { relayClient } from "../clients/relay.ts";
import { registerAccounts } from "../clients/sotto-accounts.ts";
import { sottoClient } from "../clients/sotto.ts";
import { xmppClient } from "../clients/xmpp.ts";
import { away, drain, store } from "./away.ts";
import { exchange, paced } from "./exchange.ts";
import { fanOut } from "./fan-out.ts";
import { idle } from "./idle.ts";
import type { Job, Results } from "./job.ts";

type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string };

/** Runs in the generator's process: does the job that the parent sends, answers, ends. */
export function generate(): void {
  process.once("message", (job: Job) => {
    void perform(job)
      .then(
        (result): Answer => ({ ok: true, result }),
        (error: unknown): Answer => ({
          ok: false,
          error: error instanceof Error ? (error.stack ?? "") : String(error),
        }),
      )
      .then((answer) => process.send?.(answer, () => process.exit(0)));
  });
}

async function perform(job: Job): Promise<Results[keyof Results]> {
  if (job.type === "register") return register(job);
  const client = clientFor(job.endpoint);
  switch (job.type) {
    case "exchange":
      return exchange(client, job.pids, job);
    case "paced":
      return paced(client, job.pids, job);
    case "fan-out":
      return fanOut(client, job.pids, job);
    case "away":
      return away(client, job.pids, job);
    case "store-until-killed":
      return store(client, job.pids, job, true);
    case "drain":
      return drain(client, job.pids, job, job.taken);
    case "idle":
      return idle(client, job.pids, job);
  }
}

async function register(job: Job & { type: "register" }): Promise<Results["register"]> {
  if (job.endpoint.kind !== "sotto") throw new Error("only Sotto registers over HTTP");
  const startMs = performance.now();
  await registerAccounts(job.endpoint.ports[0]!, job.accounts, job.codesFile, job.endpoint.accountsFile);
  return { registeredPerSec: (job.accounts / (performance.now() - startMs)) * 1000 };
}

function clientFor(endpoint: Endpoint): Client {
  switch (endpoint.kind) {
    case "relay":
      return relayClient(endpoint.port, endpoint.coalesce);
    case "mqtt":
      return mqttClient(endpoint.port);
    case "xmpp":
      return xmppClient(endpoint.port, endpoint.apiPort);
    case "sotto":
      return sottoClient(endpoint.ports, endpoint.accountsFile);
  }
}

/** Starts a generator process for a job and waits for its answer. @param program what to fork, with its arguments. */
export async function runJob<Type extends Job["type"]>(
  program: readonly [string, ...string[]],
  job: Extract<Job, { type: Type }>,
): Promise<Results[Type]> {
  const [path, ...args] = program;
  const child: ChildProcess = fork(path, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const onExit = (): void => void child.kill("SIGKILL");
  process.once("exit", onExit);
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      child.once("message", (message) => resolve(message as Answer));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the load generator ended with ${code}`)));
      child.send(job);
    });
    if (!answer.ok) throw new Error(`${job.type} failed: ${answer.error}`);
    return answer.result as Results[Type];
  } finally {
    process.off("exit", onExit);
    child.kill("SIGKILL");
  }
}
