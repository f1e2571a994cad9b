/** What the bench asks of the load generator's process, and what comes back. */
import type { Endpoint } from "../clients/client.ts";

/** Lengths of what travels, in bytes. */
interface Bodies {
  readonly messageBytes: number;
  readonly receiptBytes: number;
}

/** One task for a generator process. `pids`: the processes that together are the server; the first is the one that is killed. */
export type Job = { readonly endpoint: Endpoint; readonly pids: readonly number[] } & (
  | ({ readonly type: "exchange" } & ExchangeJob)
  | ({ readonly type: "paced" } & PacedJob)
  | ({ readonly type: "fan-out" } & FanOutJob)
  | ({ readonly type: "away" } & AwayJob)
  | ({ readonly type: "store-until-killed" } & AwayJob)
  | ({ readonly type: "drain" } & AwayJob & { readonly taken: readonly number[] })
  | ({ readonly type: "idle" } & IdleJob)
  | { readonly type: "register"; readonly accounts: number; readonly codesFile: string }
);

export interface ExchangeJob {
  readonly pairs: number;
  readonly inFlight: number;
  readonly bodies: Bodies;
  readonly measureMs: number;
  readonly maxWarmUpMs: number;
}

/** An exchange at a given pace, whether or not the server keeps up. */
export interface PacedJob extends ExchangeJob {
  readonly ratePerSec: number;
}

/** One room that many read. */
export interface FanOutJob {
  readonly readers: number;
  readonly messageBytes: number;
  readonly messages: number;
  /** Time between two messages. */
  readonly everyMs: number;
}

export interface AwayJob {
  readonly recipients: number;
  readonly inFlight: number;
  readonly bodies: Bodies;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface IdleJob {
  readonly connections: number;
  /** The server collects its garbage on SIGUSR2. */
  readonly collectsOnSignal: boolean;
  /** Time between two looks at the memory. */
  readonly lookEveryMs: number;
}

/** CPU used during a measurement, as shares of one core: 1 is one core busy all the time. */
export interface CpuShares {
  readonly server: number;
  readonly generator: number;
  /** Everything else on the machine, the kernel's own work among it. */
  readonly others: number;
}

export interface ExchangeResult {
  readonly messagesPerSec: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuSecPer1000: number;
  readonly cpu: CpuShares;
  /** Sent to the disk for each message and its receipt. */
  readonly diskBytesEach: number;
  readonly warmUpMs: number;
  /** Over the whole run, warm-up among it. */
  readonly sent: number;
  /** Sent, and the receipt never came back. */
  readonly lost: number;
  /** Shown to the recipient more than once or out of order. */
  readonly misordered: number;
  /** Entries that the server still keeps after everything was acknowledged; absent where it cannot be asked. */
  readonly leftOver?: number;
}

/** What a pace came to; latencies count from when a message was due, not from when it left. */
export interface PacedResult extends ExchangeResult {
  readonly ratePerSec: number;
}

export interface FanOutResult {
  readonly readers: number;
  /** From the sending of a message to its arrival at the last reader. */
  readonly p50Ms: number;
  readonly maxMs: number;
  /** Sent to the disk for a message. */
  readonly diskBytesEach: number;
  /** Entries that the server stores of one message; absent where it cannot be asked. */
  readonly storedEach?: number;
  /** CPU seconds of the server for 1,000 deliveries. */
  readonly cpuSecPer1000: number;
  readonly lost: number;
  readonly misordered: number;
}

export interface AwayResult extends StoreResult, DrainResult {}

export interface StoreResult {
  readonly takenPerSec: number;
  readonly storeCpuSecPer1000: number;
  readonly storeCpu: CpuShares;
  readonly storeDiskBytesEach: number;
  /** Acknowledged per recipient, in order: all of 1…n. */
  readonly taken: readonly number[];
}

export interface DrainResult {
  readonly drainedPerSec: number;
  readonly drainCpuSecPer1000: number;
  readonly drainCpu: CpuShares;
  readonly acknowledged: number;
  /** Acknowledged to the sender, and never delivered. */
  readonly lost: number;
  readonly misordered: number;
  readonly leftOver?: number;
}

export interface IdleResult {
  readonly connections: number;
  readonly rssBytesEach: number;
  readonly pssBytesEach: number;
  readonly beforeRssBytes: number;
  readonly afterRssBytes: number;
  /** CPU seconds of the server to take the connections in, per 1,000. */
  readonly connectCpuSecPer1000: number;
  readonly connectedPerSec: number;
  readonly cpu: CpuShares;
}

/** What a generator answers to each type of job. */
export interface Results {
  exchange: ExchangeResult;
  paced: PacedResult;
  "fan-out": FanOutResult;
  away: AwayResult;
  "store-until-killed": StoreResult;
  drain: DrainResult;
  idle: IdleResult;
  register: { readonly registeredPerSec: number };
}
