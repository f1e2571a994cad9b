/**
 * What the leading tab runs: the vault and its messenger, and the calls of all tabs. One host lives as long as its tab leads.
 */
import {
  SottoError,
  StorageError,
  UsageError,
  destroyVault,
  fetchServerFacts,
  linkDevice,
  open,
  recover,
  register,
  requestCode,
  reset,
  unlockVault,
  vaultExists,
  type Message,
  type Messenger,
  type NewAccount,
  type NewLink,
  type Recovery,
  type Reset,
} from "@sotto/client/web";
import { isForwarded } from "./calls.ts";
import type { Call, EngineEvent, EngineProblem, EngineState, Answer } from "./messages.ts";

/** What a host tells. */
export interface HostEvents {
  tell(event: EngineEvent): void;
  /** The vault was unlocked or locked: other tabs learn its key, to go on when this one goes. */
  keyChanged(key: Uint8Array | undefined): void;
}

/** A running host. */
export interface Host {
  readonly state: EngineState;
  readonly key: Uint8Array | undefined;
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** What a page leaves out, since it cannot be sent to a worker. */
type Sent<T> = Omit<T, "onRecoveryKey" | "onCode" | "signal" | "code"> & { readonly code: string };

/** Starts a host for the vault of that name; `key` when another tab had unlocked it. */
export async function startHost(
  name: string,
  term: string,
  key: Uint8Array | undefined,
  events: HostEvents,
): Promise<Host> {
  let state: EngineState = { phase: "starting" };
  let vaultKey: Uint8Array | undefined;
  let messenger: Messenger | undefined;
  let linking: AbortController | undefined;
  let closed = false;

  const become = (next: EngineState): void => {
    if (closed) return;
    state = next;
    events.tell({ type: "state", term, state });
  };

  const start = async (unlocked: Uint8Array): Promise<void> => {
    const opened = await open(name, unlocked);
    if (closed) return opened.close();
    messenger = opened;
    vaultKey = unlocked;
    events.keyChanged(unlocked);
    const { self } = opened;
    become({ phase: "open", self, connection: opened.connection });
    opened.subscribe((event) => {
      if (event.type === "connection") {
        const { state: connection, problem } = event;
        become({ phase: "open", self, connection, ...(problem !== undefined && { problem }) });
      }
      events.tell({ type: "client", event });
    });
  };

  const look = async (): Promise<void> => {
    try {
      become({ phase: (await vaultExists(name)) ? "locked" : "empty" });
    } catch (cause) {
      become({ phase: "failed", code: problemOf(cause).code });
    }
  };

  const stop = async (): Promise<void> => {
    linking?.abort();
    const stopped = messenger;
    messenger = undefined;
    vaultKey?.fill(0);
    vaultKey = undefined;
    events.keyChanged(undefined);
    await stopped?.close();
  };

  const unlock = async (passphrase: string): Promise<void> => {
    if (messenger === undefined) await start(await unlockVault(name, passphrase));
  };
  const onCode = (shown: { readonly code: string; readonly qr: string }): void =>
    events.tell({ type: "link-code", ...shown });
  const onRecoveryKey = (recoveryKey: string): void => events.tell({ type: "recovery-key", recoveryKey });

  /** What pages may call beside the messenger's own methods. */
  const own: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = {
    fetchServerFacts,
    requestCode,
    unlock,
    async register(options: Sent<NewAccount>) {
      await register(name, { ...options, onRecoveryKey });
      await unlock(options.passphrase);
    },
    async link(options: Sent<NewLink>) {
      linking?.abort();
      linking = new AbortController();
      await linkDevice(name, { ...options, onCode, signal: linking.signal });
      await unlock(options.passphrase);
    },
    async cancelLink() {
      linking?.abort();
    },
    async recover(options: Sent<Recovery>) {
      await recover(name, options);
      await unlock(options.passphrase);
    },
    async reset(options: Sent<Reset>) {
      const result = await reset(name, { ...options, onRecoveryKey });
      if (result.done) await unlock(options.passphrase);
      return result;
    },
    async lock() {
      await stop();
      await look();
    },
    async destroy() {
      await stop();
      await destroyVault(name);
      await look();
    },
    async caughtUp() {
      await needed().caughtUp();
    },
  };

  const needed = (): Messenger => {
    if (messenger === undefined) throw new UsageError("usage", "the app is locked");
    return messenger;
  };

  const carryOut = async ({ method, args }: Call): Promise<unknown> => {
    if (closed) throw new StorageError("vault_locked", "another tab has taken over");
    if (Object.hasOwn(own, method)) return own[method]?.(...(args as never[]));
    if (!isForwarded(method)) throw new UsageError("usage", "there is no such call");
    const value = await (needed()[method] as (...given: readonly unknown[]) => unknown)(...args);
    // Every page shows what one of them sent.
    if (method === "send") {
      events.tell({ type: "client", event: { type: "message", message: value as Message } });
    }
    return value;
  };

  // A vault that another tab had unlocked goes on without asking again.
  if (key === undefined) await look();
  else await start(key.slice()).catch(look);

  return {
    get state() {
      return state;
    },
    get key() {
      return vaultKey;
    },
    async call(call) {
      try {
        return { type: "answer", id: call.id, value: await carryOut(call) };
      } catch (cause) {
        return { type: "answer", id: call.id, problem: problemOf(cause) };
      }
    },
    async close() {
      closed = true;
      const stopped = messenger;
      messenger = undefined;
      linking?.abort();
      await stopped?.close();
    },
  };
}

/** An error as it crosses to a page. */
export function problemOf(cause: unknown): EngineProblem {
  if (!(cause instanceof SottoError)) return { code: "internal", message: "something went wrong" };
  const { retryAfterMs } = cause as { readonly retryAfterMs?: number };
  return { code: cause.code, message: cause.message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
