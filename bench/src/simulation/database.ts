/**
 * A PostgreSQL shard in virtual time: cores that work, rows of logs that are locked from the beginning of a commit to its end, and an
 * outage. Only logs that several nodes write to at once need a lock here; all others are never waited for.
 */
import type { Engine } from "./engine.ts";
import { P } from "./parameters.ts";
import { Station } from "./station.ts";

/** What a commit asks of it. */
export interface CommitWork {
  /** CPU time of the database, in milliseconds. */
  readonly cpuMs: number;
  /** Hot logs among those it writes to, in the order of their ids. */
  readonly hot: readonly string[];
}

/** One shard. */
export class DatabaseModel {
  readonly cores: Station;
  readonly #engine: Engine;
  readonly #locks = new Map<string, Station>();
  #awayUntilMs = 0;

  constructor(engine: Engine, cores: number) {
    this.#engine = engine;
    this.cores = new Station(engine, cores);
  }

  /** Whether it answers. */
  get isAway(): boolean {
    return this.#engine.nowMs < this.#awayUntilMs;
  }

  /** Takes it away for so long: what is asked meanwhile fails at once, as the server's own adapter has it. */
  fail(forMs: number): void {
    this.#awayUntilMs = this.#engine.nowMs + forMs;
  }

  /** Two round trips and an fsync, under the locks. @param done whether it is durable. */
  commit({ cpuMs, hot }: CommitWork, done: (isDurable: boolean) => void): void {
    if (this.isAway) {
      this.#engine.after(P.databaseRoundTripMs, () => done(false));
      return;
    }
    const releases: (() => void)[] = [];
    const lock = (i: number): void => {
      const log = hot[i];
      if (log !== undefined) {
        this.#lockOf(log).hold((release) => {
          releases.push(release);
          lock(i + 1);
        });
        return;
      }
      this.cores.serve(cpuMs, () =>
        this.#engine.after(2 * P.databaseRoundTripMs + P.fsyncMs, () => {
          for (const release of releases) release();
          done(!this.isAway);
        }),
      );
    };
    lock(0);
  }

  /** Reads. @param cpuMs CPU time of the database. */
  read(cpuMs: number, done: () => void): void {
    this.cores.serve(cpuMs, () => this.#engine.after(P.databaseRoundTripMs, done));
  }

  #lockOf(log: string): Station {
    let lock = this.#locks.get(log);
    if (lock === undefined) this.#locks.set(log, (lock = new Station(this.#engine, 1)));
    return lock;
  }
}
