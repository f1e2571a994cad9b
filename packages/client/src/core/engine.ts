/**
 * Runs the steps: one after another, several that wait share one change set; what they changed is stored first, then their effects
 * are carried out in order. When the storage fails, everything in memory is thrown away and read anew, as after a crash.
 */
import { SottoError, StorageError, TransportError, type Hello } from "@sotto/protocol";
import type { ClientEvent } from "../api.ts";
import { pumpDeletions } from "./attachments/blob-deletions.ts";
import { newFiles, type Files, type OpenFile } from "./attachments/files.ts";
import { pumpUploads } from "./attachments/uploads.ts";
import type { Cancel, Env } from "./env.ts";
import { armExpiry } from "./expiry.ts";
import { pumpGroups } from "./groups/pump.ts";
import { pumpHeld } from "./held.ts";
import { settleCaughtUp } from "./inbox.ts";
import { loadLive, type Live } from "./live.ts";
import { tellNotices } from "./notices.ts";
import { pumpOutbox } from "./outbox.ts";
import { removeExpired } from "./removing.ts";
import { followSearch } from "./search/following.ts";
import type { Effect, Step, StepFunction } from "./step.ts";
import { leaveWhenDrained, onClosed, onFrames, startSession } from "./sync.ts";
import type { Connection, Transport } from "./transport.ts";
import type { VaultStore, View } from "./vault-store.ts";
import { newWaiters, type Waiters } from "./waiters.ts";

/** The running core. */
export interface Engine {
  readonly view: View;
  /** What lives in memory now, to look at only. */
  readonly live: Live;
  readonly waiters: Waiters;
  readonly files: Files;
  /** undefined: without a connection. */
  readonly transport: Transport | undefined;
  readonly closed: boolean;
  /** Runs a step in its turn; resolves when it is stored and its effects are carried out. @throws what the step throws, or StorageError. */
  run<T>(step: StepFunction<T>): Promise<T>;
  subscribe(listener: (event: ClientEvent) => void): () => void;
  close(): Promise<void>;
}

interface Input {
  readonly step: StepFunction<unknown>;
  /** undefined: nobody waits; a failure is a bug of ours or of the storage. */
  readonly caller: { resolve(value: unknown): void; reject(cause: unknown): void } | undefined;
}

const mostStepsTogether = 64;
const recoveryPauseMs = 1_000;

/**
 * Starts the core on a vault. @param transport undefined: work without a connection. @param openFile finds files that were sent before.
 * @throws StorageError.
 */
export async function startEngine(
  store: VaultStore,
  transport: Transport | undefined,
  env: Env,
  openFile?: OpenFile,
): Promise<Engine> {
  let live = await loadLive(store);
  const files = newFiles(store, openFile);
  const waiters = newWaiters();
  const listeners = new Set<(event: ClientEvent) => void>();
  const timers = new Map<string, Cancel>();
  const inputs: Input[] = [];
  let connection: { readonly id: number; link: Connection | undefined } | undefined;
  let connections = 0;
  let running: Promise<void> | undefined;
  let closed = false;
  /** Set when memory may be ahead of the vault: it must be read anew before anything else runs. */
  let stale = false;
  let wanted = false;
  /** Of what is done outside of the machine. */
  let works = new AbortController();

  const enqueue = (input: Input): void => {
    if (closed) {
      input.caller?.reject(closedError());
      return;
    }
    inputs.push(input);
    // Later in this turn of the event loop, so that what comes together is stored together.
    running ??= Promise.resolve().then(drain);
  };
  const post = (step: StepFunction): void => enqueue({ step, caller: undefined });

  const drain = async (): Promise<void> => {
    while (inputs.length > 0) await runTogether(inputs.splice(0, mostStepsTogether));
    running = undefined;
  };

  const runTogether = async (batch: readonly Input[]): Promise<void> => {
    try {
      if (stale) live = await loadLive(store);
      stale = false;
    } catch (cause) {
      for (const input of batch) input.caller?.reject(cause);
      return recover(cause);
    }
    const draft = store.draft();
    const effects: Effect[] = [];
    const step: Step = { env, draft, live, waiters, files, effects };
    const settle: (() => void)[] = [];
    const attempt = async (input: Input): Promise<void> => {
      const takeBack = draft.savepoint();
      const before = effects.length;
      try {
        const value = await input.step(step);
        if (input.caller !== undefined) settle.push(() => input.caller?.resolve(value));
      } catch (cause) {
        takeBack();
        effects.length = before;
        if (input.caller === undefined) throw cause;
        settle.push(() => input.caller?.reject(cause));
      }
    };
    try {
      await attempt({ step: removeExpired, caller: undefined });
      for (const input of batch) await attempt(input);
      await attempt({ step: settleDown, caller: undefined });
      await attempt({ step: followSearch, caller: undefined });
      await draft.commit();
    } catch (cause) {
      for (const input of batch) input.caller?.reject(cause);
      return recover(cause);
    }
    // Whoever adds to them now comes too late, and must notice.
    carryOut(Object.freeze(effects));
    for (const done of settle) done();
  };

  const carryOut = (effects: readonly Effect[]): void => {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i] as Effect;
      switch (effect.type) {
        case "send": {
          const frames = [{ $typeName: "sotto.v1.ClientFrame" as const, frame: effect.frame }];
          for (let next = effects[i + 1]; next?.type === "send"; next = effects[++i + 1]) {
            frames.push({ $typeName: "sotto.v1.ClientFrame", frame: next.frame });
          }
          connection?.link?.send(frames);
          break;
        }
        case "connect":
          connect(effect.hello);
          break;
        case "disconnect":
          disconnect();
          break;
        case "notify":
          tell(effect.event);
          break;
        case "tell-notices":
          if (listeners.size > 0) post(tellNotices);
          break;
        case "timer":
          setTimer(effect.name, effect.delayMs, effect.run);
          break;
        case "cancel-timer":
          timers.get(effect.name)?.();
          timers.delete(effect.name);
          break;
        case "work":
          startWork(effect.run);
          break;
        case "settle":
          effect.settle();
          break;
      }
    }
  };

  const startWork = (run: Extract<Effect, { type: "work" }>["run"]): void => {
    if (transport === undefined) return;
    const begun = live;
    const then = (step: StepFunction): void => {
      if (!stale && live === begun) post(step);
    };
    run(transport, works.signal).then(then, (cause: unknown) =>
      then(async () => {
        throw cause;
      }),
    );
  };

  const setTimer = (name: string, delayMs: number, then: StepFunction): void => {
    timers.get(name)?.();
    const cancel = env.setTimer(delayMs, () => {
      timers.delete(name);
      post(then);
    });
    timers.set(name, cancel);
  };

  const tell = (event: ClientEvent): void => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (cause) {
        // A listener's mistake is not ours to fail by; it surfaces as an unhandled error of the program.
        queueMicrotask(() => {
          throw cause;
        });
      }
    }
  };

  const connect = (hello: Hello): void => {
    if (transport === undefined || closed) return;
    const id = ++connections;
    const mine = { id, link: undefined as Connection | undefined };
    connection = mine;
    const ifCurrent = (step: StepFunction): void => {
      post(async (s) => {
        if (connection?.id === id) await step(s);
      });
    };
    const gone = (cause: unknown): void =>
      ifCurrent(async (step) => {
        connection = undefined;
        await onClosed(step, asTransportError(cause));
      });
    const frame = { $typeName: "sotto.v1.ClientFrame", frame: { case: "hello", value: hello } } as const;
    const linked: Promise<void> = transport
      .connect(
        {
          // The answer to hello may be there before the connection is handed over, and would find nobody to answer.
          frames: (frames) => void linked.then(() => ifCurrent((step) => onFrames(step, frames))),
          closed: (cause) => void linked.then(() => gone(cause)),
        },
        frame,
      )
      .then((link) => {
        if (connection?.id === id) mine.link = link;
        else link.close();
        return undefined;
      }, gone);
  };

  /** Closes the connection; the machine learns of it as of any other end. */
  const disconnect = (): void => {
    const mine = connection;
    if (mine === undefined) return;
    mine.link?.close();
    post(async (step) => {
      if (connection?.id !== mine.id) return;
      connection = undefined;
      mine.link?.close();
      await onClosed(step, undefined);
    });
  };

  /** Starts over from the vault, as after a crash. */
  const recover = (cause: unknown): void => {
    wanted ||= live.session.wanted;
    stale = true;
    works.abort();
    works = new AbortController();
    connection?.link?.close();
    connection = undefined;
    for (const cancel of timers.values()) cancel();
    timers.clear();
    tell({
      type: "connection",
      state: "offline",
      problem: cause instanceof SottoError ? cause.code : "internal",
    });
    if (!closed && wanted) setTimer("recover", recoveryPauseMs, startSession);
  };

  const engine: Engine = {
    view: store,
    get live() {
      return live;
    },
    waiters,
    files,
    transport,
    get closed() {
      return closed;
    },
    run: <T>(step: StepFunction<T>) =>
      new Promise<T>((resolve, reject) => {
        enqueue({ step, caller: { resolve: resolve as (value: unknown) => void, reject } });
      }),
    subscribe(listener) {
      listeners.add(listener);
      if (live.notices > 0) post(tellNotices);
      return () => listeners.delete(listener);
    },
    async close() {
      if (closed) return;
      closed = true;
      works.abort();
      wanted = live.session.wanted = false;
      connection?.link?.close();
      connection = undefined;
      for (const cancel of timers.values()) cancel();
      timers.clear();
      await running;
      waiters.rejectAll(closedError());
      for (const { caller } of inputs.splice(0)) caller?.reject(closedError());
      await store.close();
    },
  };
  post(transport === undefined ? async () => {} : startSession);
  return engine;
}

function closedError(): StorageError {
  return new StorageError("storage_failed", "the messenger is closed");
}

function asTransportError(cause: unknown): SottoError | undefined {
  if (cause === undefined || cause instanceof SottoError) return cause;
  return new TransportError("connection_lost", "the connection broke", { cause });
}

/** What every batch ends with: whatever was woken goes on, and who waited for a state that is reached is let go. */
async function settleDown(step: Step): Promise<void> {
  await pumpHeld(step);
  await pumpUploads(step);
  await pumpGroups(step);
  await pumpOutbox(step);
  await pumpDeletions(step);
  settleCaughtUp(step);
  leaveWhenDrained(step);
  armExpiry(step);
}
