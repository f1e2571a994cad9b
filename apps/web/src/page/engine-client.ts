/** The page's end of its worker: calls with promises, events to listeners, the state to look at. */
import type {
  BackupInfo,
  Message,
  Messenger,
  NewAccount,
  NewLink,
  PublicServerFacts,
  Recovery,
  Reset,
  ResetState,
  Restore,
  CodeRequested,
} from "@sotto/client/web";
import type { Passkey } from "@sotto/client/web-passkeys";
import { isRepeatable, type Forwarded } from "../engine/calls.ts";
import { noteCall } from "./busy.ts";
import type {
  Call,
  EngineEvent,
  EngineProblem,
  EngineState,
  PageSendOptions,
  ToPage,
  Transfers,
} from "../engine/messages.ts";

type Plain<T> = Omit<T, "onRecoveryKey" | "onCode" | "signal" | "code">;
type WithCode<T> = Plain<T> & { readonly code: string };
/** Without a passphrase when an earlier try made a vault, and it was unlocked: the phase is `unfinished`. */
type Resumable<T extends { readonly passphrase: string }> = Omit<WithCode<T>, "passphrase"> & {
  readonly passphrase?: string;
};

/** What pages call beside the messenger's methods; see engine/host.ts. */
interface OwnCalls {
  fetchServerFacts(choice: {
    readonly server: string;
    readonly serverKey?: string;
  }): Promise<PublicServerFacts>;
  requestCode(options: {
    readonly server: string;
    readonly serverKey: string;
    readonly identifier: string;
    readonly forExisting?: boolean;
  }): Promise<CodeRequested>;
  unlock(passphrase: string): Promise<void>;
  register(options: Resumable<NewAccount>): Promise<void>;
  link(options: Plain<NewLink>): Promise<void>;
  cancelLink(): Promise<void>;
  recover(options: WithCode<Recovery>): Promise<void>;
  reset(options: Resumable<Reset>): Promise<ResetState>;
  lock(): Promise<void>;
  destroy(): Promise<void>;
  /** A backup of everything, encrypted under a passphrase of its own. */
  backup(passphrase: string): Promise<{ readonly file: Blob; readonly messages: number }>;
  inspectBackup(options: { readonly file: Blob; readonly passphrase: string }): Promise<BackupInfo>;
  restore(options: Omit<WithCode<Restore>, "file"> & { readonly file: Blob }): Promise<void>;
  /** As the messenger's; then there is nothing left in this browser. */
  deleteAccount(passphrase: string): Promise<void>;
  /** What a group's link says, before anybody was asked. */
  readGroupLink(link: string): Promise<{
    readonly group: string;
    readonly expiresAt: number;
    readonly serverFingerprint: string;
  }>;
  caughtUp(): Promise<void>;
  /** As the messenger's; with an id of the page's, so that what was sent already is not sent again. Files are Blobs. */
  send(to: string, body: string, options?: PageSendOptions): Promise<Message>;
  sendAgain: Messenger["sendAgain"];
  supplyFile(conversation: string, id: string, index: number, file: Blob): Promise<void>;
  /** Fetches an attachment: its bytes, under a type that nothing is shown by. `token`: a random name for `fetched` events and cancelFetch(). */
  fetchFile(token: string, conversation: string, id: string, index: number): Promise<Blob>;
  cancelFetch(token: string): Promise<void>;
  /** What is on its way to the server. */
  transfers(): Promise<Transfers>;
  largestAttachment(): Promise<number | undefined>;
  resetPending(): Promise<number | undefined>;
  passkeys(): Promise<readonly Passkey[]>;
  /** `secret`: what the passkey gave for the salt, 32 bytes. */
  addPasskey(passkey: Pick<Passkey, "id" | "salt">, secret: Uint8Array): Promise<void>;
  removePasskey(id: Uint8Array): Promise<void>;
  unlockByPasskey(id: Uint8Array, secret: Uint8Array): Promise<void>;
}

/** Every call that a page can make. */
export type EngineCalls = Pick<Messenger, Forwarded> & OwnCalls;

/** A failure of a call, with a code of spec/ERRORS.md. */
export class EngineError extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor({ code, message, retryAfterMs }: EngineProblem) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The engine as a page sees it. */
export interface EngineClient {
  readonly calls: EngineCalls;
  readonly state: EngineState;
  /** Changes when another tab leads: what was read before has to be read anew. */
  readonly term: string;
  subscribe(listener: (event: EngineEvent) => void): () => void;
}

/** Connects a page to its worker. */
export function connectEngine(worker: Worker): EngineClient {
  const listeners = new Set<(event: EngineEvent) => void>();
  const waiting = new Map<number, { resolve(value: unknown): void; reject(cause: unknown): void }>();
  let state: EngineState = { phase: "starting" };
  let term = "";
  let calls = 0;

  worker.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    if (data.type === "event") {
      if (data.event.type === "state") ({ state, term } = data.event);
      for (const listener of listeners) listener(data.event);
      return;
    }
    const caller = waiting.get(data.id);
    waiting.delete(data.id);
    if ("problem" in data) caller?.reject(new EngineError(data.problem));
    else caller?.resolve(data.value);
  });
  // A page that is kept for "back" would keep leadership as well.
  addEventListener("pagehide", () => worker.postMessage({ type: "leave" }));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });

  const call = (method: string, args: readonly unknown[]): Promise<unknown> => {
    const id = ++calls;
    const answer = new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ type: "call", id, method, args, repeatable: isRepeatable(method) } satisfies Call);
    });
    noteCall(method, answer);
    return answer;
  };

  return {
    calls: new Proxy({} as EngineCalls, {
      get:
        (_, method) =>
        (...args: readonly unknown[]) =>
          call(String(method), args),
    }),
    get state() {
      return state;
    },
    get term() {
      return term;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
