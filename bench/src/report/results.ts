/** What a run of the bench found: everything that results.json holds. */
import type { MachineDescription } from "../host/machine.ts";
import type {
  AwayJob,
  AwayResult,
  ExchangeJob,
  ExchangeResult,
  FanOutJob,
  FanOutResult,
  IdleResult,
  PacedResult,
} from "../load/job.ts";

/** What was left of acknowledged messages after SIGKILL and a new start. */
export interface KilledResult {
  readonly acknowledged: number;
  readonly lost: number;
  readonly misordered: number;
}

/** The rounds of one system. */
export interface TargetResults {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly exchange: ExchangeResult[];
  readonly paced: PacedResult[];
  readonly fanOut: FanOutResult[];
  readonly away: Omit<AwayResult, "taken">[];
  readonly killed: KilledResult[];
  readonly idle: IdleResult[];
  readonly failures: string[];
}

/** A whole run. */
export interface Results {
  readonly machine: MachineDescription;
  readonly settings: {
    readonly rounds: number;
    readonly quick: boolean;
    readonly exchange: ExchangeJob;
    readonly ratesPerSec: readonly number[];
    readonly fanOut: FanOutJob;
    readonly away: AwayJob;
    readonly idle: { readonly connections: number };
  };
  readonly targets: readonly TargetResults[];
}
