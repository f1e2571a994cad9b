/** The environment port in Node: node:crypto, the system's clock and timers. */
import { createMlsEngine } from "@sotto/crypto";
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";
import type { Env } from "../../core/env.ts";

/** Makes the environment. Its timers do not keep a process alive by themselves: connections do. */
export function nodeEnv(): Env {
  const crypto = nodeProvider();
  const mlsProvider = nodeMlsProvider(crypto);
  return {
    crypto,
    mlsProvider,
    mls: createMlsEngine(mlsProvider),
    ciphersuite: "x-wing",
    nowMs: () => Date.now(),
    random: () => Math.random(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
