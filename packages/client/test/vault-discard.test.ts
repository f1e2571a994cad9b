/** Giving up a vault that was begun: nobody else can take the folder while its files are being removed. */
import * as fs from "node:fs";
import { join } from "node:path";
import type { StorageError } from "@sotto/protocol";
import { expect, test, vi } from "vitest";
import { prepareVaultFolder } from "../src/adapters/node/vault-folder.ts";
import { lockVault } from "../src/adapters/node/vault-lock.ts";
import { freshFolder } from "./support/folders.ts";

// The real file system, watched: what another process would find at each removal.
const removed = vi.hoisted(() => ({ before: (_path: string): void => undefined }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof fs>();
  const rmSync: typeof fs.rmSync = (path, options) => {
    removed.before(String(path));
    real.rmSync(path, options);
  };
  return { ...real, rmSync };
});

test("the lock is held until everything else is gone", () => {
  const home = join(freshFolder(), "home");
  const folder = prepareVaultFolder(home);
  const found: string[] = [];
  removed.before = (path) => {
    if (!fs.existsSync(join(home, "lock.sqlite"))) return;
    try {
      lockVault(join(home, "lock.sqlite"))();
      found.push(`${path}: free`);
    } catch (cause) {
      if ((cause as StorageError).code !== "vault_locked") found.push(`${path}: ${String(cause)}`);
    }
  };
  folder.discard();
  removed.before = () => undefined;
  expect(found).toEqual([]);
  expect(fs.existsSync(home)).toBe(false);
  // And the next one can take it.
  prepareVaultFolder(home).discard();
});
