/** Blobs of ours that are to go: noted with whatever made them useless, and deleted when the server can be reached. */
import { SottoError } from "@sotto/protocol";
import { pauseMs } from "../reconnect.ts";
import type { MessageRecord } from "../records.ts";
import { isReady } from "../session.ts";
import { nextOrder, type Step, type StepFunction } from "../step.ts";
import { attachmentNames } from "./records.ts";
import { blobIdOf, writeTokenOf } from "./tokens.ts";

const patienceMs = 30_000;

/** Has a blob deleted, sooner or later. */
export function deleteBlob(step: Step, readToken: Uint8Array): void {
  const order = nextOrder(step);
  step.draft.putItem(attachmentNames.deletions, order, readToken);
  step.live.transfers.deletions.push(order);
}

/** Has those of a message deleted. What was passed on from another message stays with that. */
export function deleteBlobsOf(step: Step, { attachments = [] }: Pick<MessageRecord, "attachments">): void {
  for (const { readToken, shared } of attachments) if (shared !== true) deleteBlob(step, readToken);
}

/** Goes on with the oldest one. */
export async function pumpDeletions(step: Step): Promise<void> {
  const { transfers, own } = step.live;
  const [order] = transfers.deletions;
  if (order === undefined || transfers.deleting || !isReady(step)) return;
  const readToken = await step.draft.item(attachmentNames.deletions, order);
  if (readToken === undefined) {
    transfers.deletions.shift();
    return;
  }
  transfers.deleting = true;
  const { env } = step;
  step.effects.push({
    type: "work",
    run: async (transport, signal) => {
      const id = await blobIdOf(env.crypto, readToken);
      const writeToken = await writeTokenOf(env.crypto, own, readToken);
      const cancel = new AbortController();
      const stop = env.setTimer(patienceMs, () => cancel.abort());
      try {
        await transport.blobs.delete(id, writeToken, AbortSignal.any([signal, cancel.signal]));
        return done(order);
      } catch (cause) {
        return afterFailure(order, cause);
      } finally {
        stop();
      }
    },
  });
}

function done(order: number): StepFunction {
  return async (step) => {
    const { transfers } = step.live;
    transfers.deleting = false;
    transfers.deletionFailures = 0;
    step.draft.deleteItem(attachmentNames.deletions, order);
    const at = transfers.deletions.indexOf(order);
    if (at >= 0) transfers.deletions.splice(at, 1);
  };
}

function afterFailure(order: number, cause: unknown): StepFunction {
  // It is gone already, or was never ours to delete.
  if (cause instanceof SottoError && cause.code === "blob_unknown") return done(order);
  return async (step) => {
    const { transfers } = step.live;
    transfers.deletionFailures += 1;
    const hintMs = cause instanceof SottoError ? cause.retryAfterMs : undefined;
    step.effects.push({
      type: "timer",
      name: "blob deletions",
      delayMs: pauseMs(transfers.deletionFailures, hintMs, step.env.random()),
      run: async (later) => {
        later.live.transfers.deleting = false;
      },
    });
  };
}
