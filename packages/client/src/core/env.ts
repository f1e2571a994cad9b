/** What the core may use of the world. Tests give it a virtual clock and seeded randomness. */
import type { CryptoProvider, MlsCiphersuite, MlsEngine, MlsProvider } from "@sotto/crypto";

/** Cancels a timer. */
export type Cancel = () => void;

/** The environment port. */
export interface Env {
  readonly crypto: CryptoProvider;
  readonly mlsProvider: MlsProvider;
  readonly mls: MlsEngine;
  /** Of the groups that this device makes; it takes part in those of every ciphersuite. */
  readonly ciphersuite: MlsCiphersuite;
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
  /** Uniform in [0, 1): for jitter only, never for secrets. */
  random(): number;
  setTimer(delayMs: number, callback: () => void): Cancel;
}
