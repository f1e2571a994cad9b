/** A system under test: how to start it on loopback with its files in a folder of ours. */
import type { Endpoint } from "../clients/client.ts";
import type { Running } from "../host/child.ts";

/** What the bench does with a target. */
export type Scenario = "exchange" | "paced" | "fan-out" | "away" | "killed" | "idle";

/** A started server. */
export interface StartedServer {
  /** What is stopped, or killed, and collects its garbage on a signal. */
  readonly server: Running;
  /** Other processes that are part of it: their CPU, memory and writes count too. */
  readonly otherPids?: readonly number[];
  readonly endpoint: Endpoint;
  /** It runs with a hook that collects garbage on SIGUSR2. */
  readonly collectsOnSignal: boolean;
}

/** One row of the results. */
export interface Target {
  readonly name: string;
  /** For people: what it is and what it stores. */
  readonly title: string;
  readonly scenarios: readonly Scenario[];
  /** Its version; undefined when it is not installed. */
  version(): Promise<string | undefined>;
  /** Once before all rounds: what takes long and can be copied. */
  prepare?(workFolder: string, users: number): Promise<void>;
  /** Once after all rounds. */
  close?(): Promise<void>;
  /** Starts it with its files in `folder`, which exists: empty, or as an earlier start left it. */
  start(folder: string, scenario: Scenario): Promise<StartedServer>;
}

/**
 * Arguments for Node that let the load generator have a server's garbage collected: memory is measured after that.
 * "last-resort" also gives back what the young generation had grown to, up to 100 MB after a burst, whoever caused it.
 */
export const collectOnSignal: readonly string[] = [
  "--expose-gc",
  "--import",
  "data:text/javascript,process.on('SIGUSR2',()=>globalThis.gc({type:'major',execution:'sync',flavor:'last-resort'}))",
];
