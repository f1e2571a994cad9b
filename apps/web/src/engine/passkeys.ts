/** The host's part of passkeys: the page asks the authenticator, and gives what came of it. Loaded when it is needed. */
import {
  addPasskey,
  passkeysOf,
  removePasskey,
  unlockByPasskey,
  type Passkey,
} from "@sotto/client/web-passkeys";
import { UsageError } from "@sotto/protocol";

/** The calls of pages. @param key the vault's, while it is unlocked. @param begin opens the vault by its key. */
export function passkeyCalls(
  name: string,
  key: () => Uint8Array | undefined,
  begin: (key: Uint8Array) => Promise<void>,
): Readonly<Record<string, (...args: never[]) => Promise<unknown>>> {
  return {
    passkeys: () => passkeysOf(name),
    async addPasskey(passkey: Pick<Passkey, "id" | "salt">, secret: Uint8Array) {
      const unlocked = key();
      if (unlocked === undefined) throw new UsageError("usage", "the app is locked");
      await addPasskey(name, unlocked, passkey, secret);
      secret.fill(0);
    },
    removePasskey: (id: Uint8Array) => removePasskey(name, id),
    async unlockByPasskey(id: Uint8Array, secret: Uint8Array) {
      if (key() === undefined) await begin(await unlockByPasskey(name, id, secret));
      secret.fill(0);
    },
  };
}
