/**
 * Nothing that the server acknowledged is ever lost. The real `sotto serve` is killed with SIGKILL under load, at random moments, again
 * and again: on SQLite, and on PostgreSQL, which is killed under it as well.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { TestPostgres } from "@sotto/testkit/postgres";
import { surviveBreaks } from "./support/durability.ts";
import { KillableServer } from "./support/killable-server.ts";
import { addDevices, addPostgresDevices } from "./support/wire-device.ts";

const seed = Number(process.env["SOTTO_SEED"] ?? 20_261_123);
const nothing = async (): Promise<void> => {};

/** A server that is gone with its folder when the test is over. */
function temporaryServer(options: readonly string[] = []): KillableServer {
  const folder = mkdtempSync(join(tmpdir(), "sotto-durability-"));
  const server = new KillableServer(folder, options);
  onTestFinished(async () => {
    await server.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}

test("what was acknowledged survives SIGKILL at any moment, in order, once", async () => {
  const kills = 26;
  const server = temporaryServer();
  const { acknowledged, stored, refusals } = await surviveBreaks({
    server,
    addDevices: (count) => addDevices(server.databasePath, count),
    breaks: Array.from({ length: kills }, () => nothing),
    seed,
  });
  expect(refusals).toBe(0);
  expect(acknowledged).toBeGreaterThan(kills * 100);
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
}, 240_000);

test("the same on PostgreSQL, which is killed under the server too", async () => {
  const postgres = await TestPostgres.start({ durable: true });
  onTestFinished(() => postgres.stop());
  const database = await postgres.createDatabase();
  const server = temporaryServer(["--database", database]);
  const killPostgres = async (): Promise<void> => {
    await postgres.end("SIGKILL");
    await postgres.launch();
  };
  const breaks = [nothing, killPostgres, nothing, killPostgres];
  const { acknowledged, stored } = await surviveBreaks({
    server,
    addDevices: (count) => addPostgresDevices(database, server.dataFolder, count),
    breaks,
    seed,
  });
  expect(acknowledged).toBeGreaterThan(breaks.length * 50);
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
}, 240_000);
