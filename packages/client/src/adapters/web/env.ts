/** The environment port in browsers: WebCrypto and noble, the system's clock and timers. */
import { createMlsEngine } from "@sotto/crypto";
import { webMlsProvider, webProvider } from "@sotto/crypto/web";
import type { Env } from "../../core/env.ts";

/** Makes the environment. It needs a secure context: HTTPS, or this very machine. */
export function webEnv(): Env {
  const crypto = webProvider();
  const mlsProvider = webMlsProvider(crypto);
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
