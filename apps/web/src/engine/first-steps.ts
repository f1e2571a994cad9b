/**
 * What the host does for somebody who has no account in this browser yet, or comes back to one. Apart from it, since whoever has an
 * account never needs this again.
 */
import {
  fetchServerFacts,
  inspectBackup,
  linkDevice,
  pendingAccount,
  recover,
  register,
  requestCode,
  reset,
  restore,
} from "@sotto/client/web-onboarding";
import {
  blobSource,
  unlockVault,
  vaultExists,
  type NewAccount,
  type NewLink,
  type Recovery,
  type Reset,
  type Restore,
} from "@sotto/client/web";
import type { EngineEvent } from "./messages.ts";

/** What a page leaves out: it cannot be sent to a worker, or the host has it. */
type Sent<T> = Omit<T, "onRecoveryKey" | "onCode" | "signal" | "code" | "passphrase"> & {
  readonly code: string;
  /** Left out when an earlier try made a vault, and it was unlocked. */
  readonly passphrase?: string;
};

/** What the first steps need of the host. */
export interface FirstStepsHost {
  readonly name: string;
  tell(event: EngineEvent): void;
  /** Opens the vault, which holds a registered account. */
  unlock(passphrase: string): Promise<void>;
  /** There is a vault whose account was not finished. */
  unfinished(identifier: string | undefined): void;
}

/** The calls, and what the host tells. */
export interface FirstSteps {
  readonly calls: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;
  /** A vault turned out to hold no finished account. */
  look(key: Uint8Array, passphrase: string): Promise<boolean>;
  /** The tab leads no more, or was locked. */
  stop(): void;
}

/** Starts them. */
export function firstSteps(host: FirstStepsHost): FirstSteps {
  const { name } = host;
  let linking: AbortController | undefined;
  /** Of a vault whose account was not finished: typed already, and needed once more. */
  let held: string | undefined;

  const onCode = (shown: { readonly code: string; readonly qr: string }): void =>
    host.tell({ type: "link-code", ...shown });
  const onRecoveryKey = (recoveryKey: string): void => host.tell({ type: "recovery-key", recoveryKey });

  const look = async (key: Uint8Array, passphrase: string): Promise<boolean> => {
    const pending = await pendingAccount(name, key);
    if (pending === undefined) return false;
    held = passphrase;
    host.unfinished(pending.identifier);
    return true;
  };
  /** Carries out what makes a vault; what it leaves when it fails can be gone on with. */
  const making = async <T>(
    typed: string | undefined,
    work: (passphrase: string) => Promise<T>,
  ): Promise<T> => {
    const passphrase = typed ?? held ?? "";
    try {
      return await work(passphrase);
    } catch (cause) {
      await lookAfterFailure(passphrase);
      throw cause;
    }
  };
  const lookAfterFailure = async (passphrase: string): Promise<void> => {
    try {
      if (await vaultExists(name)) await look(await unlockVault(name, passphrase), passphrase);
    } catch {
      // What failed is what is told.
    }
  };
  const enter = async (passphrase: string): Promise<void> => {
    held = undefined;
    await host.unlock(passphrase);
  };

  return {
    look,
    stop() {
      linking?.abort();
      held = undefined;
    },
    calls: {
      fetchServerFacts,
      requestCode,
      register: (options: Sent<NewAccount>) =>
        making(options.passphrase, async (passphrase) => {
          await register(name, { ...options, passphrase, onRecoveryKey });
          await enter(passphrase);
        }),
      async link(options: NewLink) {
        linking?.abort();
        linking = new AbortController();
        const { signal } = linking;
        await linkDevice(name, { ...options, onCode, signal });
        await enter(options.passphrase);
      },
      async cancelLink() {
        linking?.abort();
      },
      async recover(options: Recovery) {
        await recover(name, options);
        await enter(options.passphrase);
      },
      inspectBackup: ({ file, passphrase }: { readonly file: Blob; readonly passphrase: string }) =>
        inspectBackup({ file: blobSource(file), passphrase }),
      async restore({ file, ...options }: Omit<Restore, "file"> & { readonly file: Blob }) {
        await restore(name, { ...options, file: blobSource(file) });
        await enter(options.passphrase);
      },
      reset: (options: Sent<Reset>) =>
        making(options.passphrase, async (passphrase) => {
          const result = await reset(name, { ...options, passphrase, onRecoveryKey });
          if (result.done) await enter(passphrase);
          else await look(await unlockVault(name, passphrase), passphrase);
          return result;
        }),
    },
  };
}
