/**
 * What the leading tab runs: the vault and its messenger, and the calls of all tabs. One host lives as long as its tab leads.
 */
import type { Messenger } from "@sotto/client/web";
import { destroyVault, unlockVault, vaultExists } from "@sotto/client/web-vault";
import { SottoError, StorageError, TransportError, UsageError } from "@sotto/protocol";
import { attachmentHost } from "./attachments.ts";
import { isForwarded } from "./calls.ts";
import type { FirstSteps } from "./first-steps.ts";
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

type Calls = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** Calls whose program is fetched when the first of them comes. */
const ofFirstSteps = new Set(
  "fetchServerFacts requestCode register link cancelLink recover reset inspectBackup restore".split(" "),
);
const ofPasskeys = new Set("passkeys addPasskey removePasskey unlockByPasskey".split(" "));

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
  let started: FirstSteps | undefined;
  let closed = false;

  const become = (next: EngineState): void => {
    if (closed) return;
    state = next;
    events.tell({ type: "state", term, state });
  };

  const start = async (unlocked: Uint8Array): Promise<void> => {
    const { open } = await fetched(loadMessenger);
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
      attachments.watch(event);
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
    started?.stop();
    attachments.stop();
    const stopped = messenger;
    messenger = undefined;
    vaultKey?.fill(0);
    vaultKey = undefined;
    events.keyChanged(undefined);
    await stopped?.close();
  };

  const unlock = async (passphrase: string): Promise<void> => {
    if (messenger !== undefined) return;
    const unlocked = await unlockVault(name, passphrase);
    try {
      await start(unlocked);
    } catch (cause) {
      // Its account may not be finished: then whoever unlocked it goes on with that.
      const missing = cause instanceof StorageError && cause.code === "vault_missing";
      if (!missing || !(await (await firstSteps()).look(unlocked, passphrase))) throw cause;
    }
  };
  const firstSteps = async (): Promise<FirstSteps> => {
    const module = await fetched(() => import("./first-steps.ts"));
    started ??= module.firstSteps({
      name,
      tell: (event) => events.tell(event),
      unlock,
      unfinished: (identifier) => become({ phase: "unfinished", identifier }),
    });
    return started;
  };
  const passkeys = async (): Promise<Calls> => {
    const module = await fetched(() => import("./passkeys.ts"));
    return module.passkeyCalls(name, () => vaultKey, start);
  };

  const needed = (): Messenger => {
    if (messenger === undefined) throw new UsageError("usage", "the app is locked");
    return messenger;
  };
  const attachments = attachmentHost(needed, (event) => events.tell(event));

  /** What pages may call beside the messenger's own methods. */
  const own: Calls = {
    ...attachments.calls,
    unlock,
    async lock() {
      await stop();
      await look();
    },
    async destroy() {
      await stop();
      await destroyVault(name);
      await look();
    },
    /** Everything of the account in a file, encrypted under a passphrase of its own. */
    async backup(passphrase: string) {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      const { messages } = await needed().backup(passphrase, {
        write: async (bytes) => void pieces.push(new Uint8Array(bytes)),
        close: async () => undefined,
        abort: async () => void pieces.splice(0),
      });
      return { file: new Blob(pieces, { type: "application/octet-stream" }), messages };
    },
    /** Nothing is left here of an account that is deleted. */
    async deleteAccount(passphrase: string) {
      await needed().deleteAccount(passphrase);
      await own["destroy"]?.();
    },
    /** What a group's link says: with an account or without. */
    async readGroupLink(link: string) {
      const { readGroupLink } = await fetched(loadMessenger);
      return readGroupLink(link);
    },
    async caughtUp() {
      await needed().caughtUp();
    },
    async resetPending() {
      return needed().resetPending();
    },
  };

  const carryOut = async ({ method, args }: Call): Promise<unknown> => {
    if (closed) throw new StorageError("vault_locked", "another tab has taken over");
    if (Object.hasOwn(own, method)) return own[method]?.(...(args as never[]));
    if (ofFirstSteps.has(method)) return (await firstSteps()).calls[method]?.(...(args as never[]));
    if (ofPasskeys.has(method)) return (await passkeys())[method]?.(...(args as never[]));
    if (!isForwarded(method)) throw new UsageError("usage", "there is no such call");
    return (needed()[method] as (...given: readonly unknown[]) => unknown)(...args);
  };

  // A vault that another tab had unlocked goes on without asking again.
  if (key === undefined) await look();
  else await start(key.slice()).catch(look);
  // Once the lock is shown: it is there when the passphrase is, or is fetched then.
  void loadMessenger().catch(() => undefined);

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
        // What fails because this tab leads no more did nothing, whatever it says.
        return { type: "answer", id: call.id, problem: closed ? superseded : problemOf(cause) };
      }
    },
    async close() {
      closed = true;
      const stopped = messenger;
      messenger = undefined;
      started?.stop();
      attachments.stop();
      await stopped?.close();
    },
  };
}

/** The messenger. Whoever may lead soon has it fetched before. */
export const loadMessenger = () => import("./messenger.ts");

/** A part of the program that is loaded when it is needed: without the server it cannot be, unless it was before. */
async function fetched<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new TransportError("server_unreachable", "a part of the program cannot be fetched", { cause });
  }
}

const superseded: EngineProblem = { code: "vault_locked", message: "another tab has taken over" };

/** An error as it crosses to a page. */
export function problemOf(cause: unknown): EngineProblem {
  if (!(cause instanceof SottoError)) return { code: "internal", message: "something went wrong" };
  const { retryAfterMs } = cause as { readonly retryAfterMs?: number };
  return { code: cause.code, message: cause.message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
