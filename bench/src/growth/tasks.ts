/** What is done with a store in a process of its own, so that memory is that of one store. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Size, fill } from "./fill.ts";
import { type Costs, type RetentionCosts, measure, measureRetention } from "./measure.ts";
import { type Place, bytesOnDisk, openPlace } from "./place.ts";

/** A task with what it needs. */
export type Task = { readonly place: Place; readonly size: Size } & (
  | { readonly type: "fill" }
  | { readonly type: "measure"; readonly rounds: number }
  | { readonly type: "retention"; readonly forMs: number }
);

/** What comes back. */
interface Outcomes {
  fill: { readonly seconds: number; readonly bytesOnDisk: number };
  measure: Costs;
  retention: RetentionCosts & { readonly bytesBefore: number; readonly bytesAfter: number };
}

/** What was there before is a day old. */
const daySec = 86_400;

/** Does one task in a process of its own. */
export async function runTask<T extends Task["type"]>(
  task: Extract<Task, { type: T }>,
): Promise<Outcomes[T]> {
  const child = fork(fileURLToPath(new URL("main.ts", import.meta.url)), ["role:task"]);
  try {
    return await new Promise((resolve, reject) => {
      child.once("message", (outcome) => resolve(outcome as Outcomes[T]));
      child.once("exit", (code) => reject(new Error(`${task.type} ended with ${code}`)));
      child.send(task);
    });
  } finally {
    child.kill("SIGKILL");
  }
}

/** In that process. */
export function serveTask(): void {
  process.once("message", async (task: Task) => {
    const outcome = await perform(task);
    process.send?.(outcome, () => process.exit(0));
  });
}

async function perform(task: Task): Promise<Outcomes[Task["type"]]> {
  const nowSec = Math.floor(Date.now() / 1000);
  const store = await openPlace(task.place);
  try {
    if (task.type === "measure") return await measure(store, task.size, task.rounds, nowSec);
    const startMs = performance.now();
    if (task.type === "fill") {
      await fill(store, task.size, nowSec - daySec);
      return { seconds: (performance.now() - startMs) / 1000, bytesOnDisk: await bytesOnDisk(task.place) };
    }
    const bytesBefore = await bytesOnDisk(task.place);
    const costs = await measureRetention(store, task.size, nowSec - daySec / 2, nowSec, task.forMs);
    return { ...costs, bytesBefore, bytesAfter: await bytesOnDisk(task.place) };
  } finally {
    await store.close();
  }
}
