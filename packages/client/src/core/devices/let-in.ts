/** Which devices were let into the account from here, and what is to be done for each. */
import { names } from "../records.ts";
import { nextOrder, type Step } from "../step.ts";

/** A device that was linked from here, until it is in every group and knows the history. */
export interface LinkJob {
  readonly device: string;
  readonly sinceMs: number;
}

/** For so long a device is new. One that has not come up by then has no KeyPackages in force either. */
export const givenUpMs = 90 * 86_400_000;

/** Stores what is to be done for a device that is let in from here. */
export async function addLinkJob(step: Step, device: string): Promise<void> {
  step.draft.put(names.letIn(device), step.env.nowMs());
  await addJob(step, device);
}

/** A device lost what it was told of the history: whoever let it in, and nobody else, tells it once more, for as long as it is new. */
export async function shareAgain(step: Step, device: string): Promise<void> {
  const letInAtMs = await step.draft.get(names.letIn(device));
  if (letInAtMs !== undefined && step.env.nowMs() - letInAtMs < givenUpMs) await addJob(step, device);
}

/** Once is enough. */
async function addJob(step: Step, device: string): Promise<void> {
  const jobs = await step.draft.page(names.linkJobs);
  if (jobs.some(({ value }) => value.device === device)) return;
  const order = nextOrder(step);
  step.draft.putItem(names.linkJobs, order, { device, sinceMs: step.env.nowMs() });
  step.live.devices.jobs.push(order);
}
