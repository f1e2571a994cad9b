/** The environment port in Node: node:crypto, the system's clock and timers. */
import { nodeProvider } from "@sotto/crypto/node";
import type { Env } from "../../core/env.ts";

/** Makes the environment. Its timers do not keep a process alive by themselves: connections do. */
export function nodeEnv(): Env {
  return {
    crypto: nodeProvider(),
    nowMs: () => Date.now(),
    random: () => Math.random(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
