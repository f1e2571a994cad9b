/** Runs the rounds: in each, every system in turn, another one first each time, so that what else the machine does meets all alike. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MlsCiphersuite } from "@sotto/crypto";
import { describeMachine } from "../host/machine.ts";
import { cpuSeconds, machineCpuSeconds, untilQuiet } from "../host/proc.ts";
import { measureCoreCrypto, newBystanders } from "./core-crypto.ts";
import { type Guest, newGuests } from "./devices.ts";
import { measureFloors } from "./floors.ts";
import { measureLibsignal } from "./libsignal.ts";
import type { CryptoOptions, System } from "./options.ts";
import { type CryptoResults, Notebook } from "./samples.ts";
import { measureFirst, measureGroup } from "./sotto-groups.ts";
import { type BenchVault, openBenchVault } from "./vault.ts";

/** Measures everything. */
export async function runCrypto(options: CryptoOptions): Promise<CryptoResults> {
  const folder = mkdtempSync(join(tmpdir(), "sotto-bench-crypto-"));
  try {
    const vault = await openBenchVault(folder);
    const notebook = new Notebook();
    const others: number[] = [];
    const guests = new Map<MlsCiphersuite, Guest[]>();
    const largest = options.members.at(-1) ?? 2;
    const bystanders = options.only.includes("core-crypto") ? await newBystanders(largest - 2) : [];
    for (let round = 0; round < options.rounds; round++) {
      const { only } = options;
      const order = only.map((_, i) => only[(i + round) % only.length]!);
      for (const system of order) {
        await untilQuiet(options.waitQuietSec);
        const began = { at: performance.now(), machine: machineCpuSeconds(), own: cpuSeconds([process.pid]) };
        await measure(system, options, notebook, vault, guests, bystanders);
        const seconds = (performance.now() - began.at) / 1000;
        const used = machineCpuSeconds() - began.machine - (cpuSeconds([process.pid]) - began.own);
        others.push(Math.max(0, used) / seconds);
        console.log(`round ${round + 1} ${system}: ${seconds.toFixed(1)} s`);
      }
      await measureFloors(notebook, vault, new Uint8Array(options.messageBytes), options.messages);
    }
    await vault.store.close();
    const { rounds, members, messages, messageBytes } = options;
    return {
      machine: describeMachine(folder),
      versions: versions(),
      settings: { rounds, members, messages, messageBytes },
      othersCores: others,
      samples: notebook.samples,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  system: System,
  options: CryptoOptions,
  notebook: Notebook,
  vault: BenchVault,
  guests: Map<MlsCiphersuite, Guest[]>,
  bystanders: readonly Uint8Array[],
): Promise<void> {
  const text = new Uint8Array(options.messageBytes).fill(0x61);
  const { messages } = options;
  const sizes = options.members;
  if (system === "libsignal") return measureLibsignal(notebook, text, messages);
  if (system === "core-crypto") {
    // A tenth: each takes milliseconds in a large group.
    const few = Math.max(1, Math.round(messages / 10));
    for (const size of sizes) await measureCoreCrypto(notebook, size, bystanders, text, few);
    return;
  }
  const ciphersuite: MlsCiphersuite = system === "sotto-x-wing" ? "x-wing" : "x25519";
  const all = guests.get(ciphersuite) ?? (await newGuests(ciphersuite, sizes.at(-1)!));
  guests.set(ciphersuite, all);
  for (const size of sizes) {
    const run = { notebook, system, members: size, vault, text, messages };
    await measureGroup(run, ciphersuite, all, size === sizes[0] || size === sizes.at(-1));
  }
  await measureFirst({ notebook, system, members: 2, vault, text, messages }, ciphersuite);
}

function versions(): Record<string, string> {
  const modules = "../../../node_modules";
  return {
    Node: process.version,
    OpenSSL: process.versions.openssl,
    sotto: versionIn("../../../package.json"),
    "ts-mls": versionIn(`${modules}/ts-mls/package.json`),
    libsignal: versionIn(`${modules}/@signalapp/libsignal-client/package.json`),
    CoreCrypto: versionIn(`${modules}/@wireapp/core-crypto/package.json`),
  };
}

function versionIn(file: string): string {
  const parsed = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as { version: string };
  return parsed.version;
}
