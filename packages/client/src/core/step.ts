/**
 * One step of the client's state machine. The engine runs steps one after another: a step reads the vault through its draft,
 * writes to the draft, alters what lives in memory, and lists effects. The engine then stores the draft in one change set, and only
 * after that carries out the effects, in order. So nothing is sent, acked or told before it is stored.
 *
 * A step that throws has no effect; it must throw before it alters `live`.
 */
import type { ClientFrame, Hello } from "@sotto/protocol";
import type { Files } from "./attachments/files.ts";
import type { ClientEvent } from "../api.ts";
import type { Env } from "./env.ts";
import type { Live } from "./live.ts";
import { names } from "./records.ts";
import type { Transport } from "./transport.ts";
import type { Draft } from "./vault-store.ts";
import type { Waiters } from "./waiters.ts";

/** What a step may use. */
export interface Step {
  readonly env: Env;
  readonly draft: Draft;
  readonly live: Live;
  readonly waiters: Waiters;
  readonly files: Files;
  readonly effects: Effect[];
}

/** A step of the machine. */
export type StepFunction<T = void> = (step: Step) => Promise<T>;

/** What happens after a step was stored. */
export type Effect =
  | { readonly type: "connect"; readonly hello: Hello }
  | { readonly type: "disconnect" }
  | { readonly type: "send"; readonly frame: ClientFrame["frame"] }
  | { readonly type: "notify"; readonly event: ClientEvent }
  /** Tells the stored notices, if anybody listens. */
  | { readonly type: "tell-notices" }
  /** Runs a step later; a timer of the same name is replaced. */
  | { readonly type: "timer"; readonly name: string; readonly delayMs: number; readonly run: StepFunction }
  | { readonly type: "cancel-timer"; readonly name: string }
  /**
   * Does something outside of the machine that takes its time. What comes of it is a step of its own, unless everything was read anew from
   * the vault meanwhile: then it comes to nothing, and `signal` says so. It handles its own failures.
   */
  | {
      readonly type: "work";
      readonly run: (transport: Transport, signal: AbortSignal) => Promise<StepFunction>;
    }
  /** Resolves or rejects promises that callers wait on. */
  | { readonly type: "settle"; readonly settle: () => void };

/** Tells subscribers, once the step is stored. */
export function notify(step: Step, event: ClientEvent): void {
  step.effects.push({ type: "notify", event });
}

/** Gives out the next order: greater than every one before it, in any list. */
export function nextOrder(step: Step): number {
  step.live.lastOrder += 1;
  step.draft.put(names.lastOrder, step.live.lastOrder);
  return step.live.lastOrder;
}

/** Whole seconds since 1970-01-01 UTC. */
export const nowSec = (step: Step): number => Math.floor(step.env.nowMs() / 1000);
