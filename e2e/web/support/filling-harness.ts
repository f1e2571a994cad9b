/** Runs in the browser, in a page of the app whose vault is locked: opens the vault and has the core fill it. */
import { startEngine, vaultStore, webEnv } from "@sotto/client/core-parts";
import { indexedDbStorage, openDatabase, takeLease, unlockVault } from "@sotto/client/web";
import { vaultOfKey } from "@sotto/crypto";
import { fillVault, type Filling } from "@sotto/testkit/filling";

const vaultName = "sotto";

async function fill(passphrase: string, filling: Filling): Promise<void> {
  const env = webEnv();
  const vault = await vaultOfKey(env.crypto, await unlockVault(vaultName, passphrase));
  const database = await openDatabase(vaultName);
  const storage = indexedDbStorage(database, await takeLease(database));
  const engine = await startEngine(vaultStore(vault, storage), undefined, env);
  try {
    await fillVault(engine, filling);
  } finally {
    await engine.close();
  }
}

const filler = { fill };

/** What the test calls. */
export type FillingHarness = typeof filler;

Object.assign(globalThis, { filler });
