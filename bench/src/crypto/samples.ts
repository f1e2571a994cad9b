/** What a run of the crypto bench found: for each system, size and task one value a round, in the order in which they were first noted. */
import type { MachineDescription } from "../host/machine.ts";

/** One thing that is measured, and its rounds. */
export interface Sample {
  /** Who: "sotto-x25519", "sotto-x-wing", "libsignal", "core-crypto", "floor". */
  readonly system: string;
  /** Size of the group; 0 where there is none. */
  readonly members: number;
  readonly task: string;
  readonly unit: "ms" | "bytes";
  readonly values: number[];
  /** Beside milliseconds: CPU milliseconds of this process, all threads. Others on the machine stretch them less than the wall clock. */
  readonly cpuMs: number[];
}

/** Everything that results-crypto.json holds. */
export interface CryptoResults {
  readonly machine: MachineDescription;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: {
    readonly rounds: number;
    readonly members: readonly number[];
    readonly messages: number;
    readonly messageBytes: number;
  };
  /** Share of a core that everything else on the machine used, a value a round. */
  readonly othersCores: readonly number[];
  readonly samples: readonly Sample[];
}

/** Takes down what was measured. */
export class Notebook {
  readonly samples: Sample[] = [];

  /** Takes down a number of bytes. */
  bytes(system: string, members: number, task: string, value: number): void {
    this.sample(system, members, task, "bytes").values.push(value);
  }

  /** Takes down what a task took since the clock was started, shared among `times`. */
  took(system: string, members: number, task: string, since: Clock, times = 1): void {
    const { values, cpuMs } = this.sample(system, members, task, "ms");
    const { user, system: kernel } = process.cpuUsage(since.cpu);
    values.push((performance.now() - since.wall) / times);
    cpuMs.push((user + kernel) / 1000 / times);
  }

  /** Runs it once and notes how long it took. */
  async time<T>(system: string, members: number, task: string, work: () => T | Promise<T>): Promise<T> {
    const since = startClock();
    const result = await work();
    this.took(system, members, task, since);
    return result;
  }

  /** Runs it `times` times and notes the mean. */
  async mean(
    system: string,
    members: number,
    task: string,
    times: number,
    work: (i: number) => Promise<void>,
  ): Promise<void> {
    const since = startClock();
    for (let i = 0; i < times; i++) await work(i);
    this.took(system, members, task, since, times);
  }

  private sample(system: string, members: number, task: string, unit: Sample["unit"]): Sample {
    const known = find(this.samples, system, members, task);
    if (known !== undefined) return known;
    const made: Sample = { system, members, task, unit, values: [], cpuMs: [] };
    this.samples.push(made);
    return made;
  }
}

/** A moment, by the wall and by this process's CPU time. */
export interface Clock {
  readonly wall: number;
  readonly cpu: NodeJS.CpuUsage;
}

/** Now. */
export function startClock(): Clock {
  return { wall: performance.now(), cpu: process.cpuUsage() };
}

/** The sample of that name. */
export function find(
  samples: readonly Sample[],
  system: string,
  members: number,
  task: string,
): Sample | undefined {
  return samples.find((each) => each.system === system && each.members === members && each.task === task);
}
