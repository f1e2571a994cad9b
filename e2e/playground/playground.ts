/** A server with people, groups and a past. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startServer, type RunningServer } from "@sotto/server";
import { answerVisitors } from "./answering.ts";
import { pretend } from "./clock.ts";
import { openAll, registerAll } from "./people.ts";
import { furnish, getAcquainted, perform, type People } from "./perform.ts";
import { yearOf } from "./year.ts";

/** What a playground is made of. */
export interface PlaygroundOptions {
  /** Of the past. */
  readonly days: number;
  readonly seed: number;
  /** 0: any. */
  readonly port: number;
  /** How far the making is. */
  readonly progress: (text: string) => void;
}

/** A running playground. */
export interface Playground {
  readonly server: RunningServer;
  readonly people: People;
  readonly messages: number;
  /** Stops everything, and removes it. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;
/** Nobody here is to be kept out: everything comes from one address, a year of it within a minute. */
const wide = { burst: 1_000_000, perHour: 1_000_000 };
const limits = {
  codesPerIdentifier: wide,
  codesPerAddress: wide,
  requestsPerAddress: wide,
  appendsPerAccount: wide,
  logsPerAccount: wide,
  slotsPerAccount: wide,
  readsPerAccount: wide,
};

/** Makes one, with the past played through the real protocol. */
export async function makePlayground(options: PlaygroundOptions): Promise<Playground> {
  const { days, seed, port, progress } = options;
  const folder = mkdtempSync(join(tmpdir(), "sotto-playground-"));
  const homes = join(folder, "homes");
  const nowMs = Date.now();
  const clock = pretend(nowMs - (days + 1) * dayMs);
  const codes = new Map<string, string>();
  const server = await startServer(
    {
      data: join(folder, "server"),
      port,
      resendAfterSec: 0,
      logLevel: "warn",
      limits,
      web: resolve(import.meta.dirname, "../../apps/web/dist"),
    },
    {
      nowMs: () => Date.now(),
      print(line) {
        const [, identifier = "", code = ""] = /^OTP for (\S+): (\d+)$/.exec(line) ?? [];
        codes.set(identifier, code);
      },
    },
  );
  progress("People register …");
  const code = (identifier: string): string => codes.get(identifier) ?? "";
  await registerAll({ invite: server.invite, homes, code });
  const past = await openAll(homes);
  await getAcquainted(past);
  const lines = yearOf(nowMs, days, seed);
  await perform(past, lines, clock, (count) => {
    if (count % 100 === 0) progress(`A year passes … ${count} of ${lines.length} messages`);
  });
  await furnish(past);
  for (const { messenger } of past.values()) await messenger.close();
  clock.release();

  progress("Back to today …");
  const people = await openAll(homes);
  const stopAnswering = answerVisitors(people, ["Ann", "Ben"]);
  return {
    server,
    people,
    messages: lines.length,
    async close() {
      stopAnswering();
      for (const { messenger } of people.values()) await messenger.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
