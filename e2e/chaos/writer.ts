/**
 * A writer of the load: appends one entry after another, to inboxes and to conversations that others write to as well, and now and then
 * tries to end the epoch of one. What nobody answered it sends again, as clients do; each attempt has an id of its own.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EntryKind } from "@sotto/protocol";
import type { SeededRandom } from "@sotto/testkit";
import type { AppendOutcome, StoredKind } from "@sotto/testkit/linearizability";
import type { WireDevice } from "../support/wire-device.ts";
import { bodyOf, now, type ChaosLog } from "./chaos-log.ts";
import { keepWorking, type Entrance, type Line } from "./chaos-client.ts";

const commitChance = 0.08;
const mostPadding = 600;
const mostPauseMs = 25;
const refusedPauseMs = 200;

/** Answers that leave it open whether the entry is stored. */
const open = new Set(["unavailable", "internal"]);

/** Something that is to be written, until it is answered. */
interface Intent {
  readonly log: ChaosLog;
  readonly kind: StoredKind;
  readonly message: string;
  epoch: number;
  attempts: number;
}

/** One writer, through all rounds. */
export class Writer {
  /** What was acknowledged in this round. */
  readonly acknowledged: { readonly id: string; readonly callMs: number; readonly atMs: number }[] = [];
  /** Codes of refusals that no load should see. */
  readonly unexpected: string[] = [];
  readonly #name: string;
  readonly #device: WireDevice;
  readonly #random: SeededRandom;
  readonly #epochs = new Map<ChaosLog, number>();
  #messages = 0;
  #intent: Intent | undefined;

  constructor(name: string, device: WireDevice, random: SeededRandom) {
    this.#name = name;
    this.#device = device;
    this.#random = random;
  }

  /** Writes to logs until it is told to stop. */
  async write(entrance: Entrance, logs: readonly ChaosLog[], stopped: () => boolean): Promise<void> {
    this.#intent = undefined;
    this.#epochs.clear();
    await keepWorking(entrance, this.#device, stopped, async (line) => {
      while (line.isOpen && !stopped()) {
        this.#intent ??= this.#next(logs);
        const pause = await this.#attempt(line, this.#intent);
        await sleep(pause ?? this.#random.integer(mostPauseMs));
      }
    });
  }

  #next(logs: readonly ChaosLog[]): Intent {
    const log = this.#random.pick(logs);
    const commits = !log.isInbox && this.#random.chance(commitChance);
    const message = `${this.#name}.${++this.#messages}`;
    const epoch = this.#epochs.get(log) ?? 0;
    return { log, kind: commits ? "commit" : "message", message, epoch, attempts: 0 };
  }

  /** How long to wait until the next one, where that is not as usual. */
  async #attempt(line: Line, intent: Intent): Promise<number | undefined> {
    const { log, kind, message, epoch } = intent;
    const id = `${message}#${++intent.attempts}`;
    const body = bodyOf(id, this.#random.integer(mostPadding));
    const commits = kind === "commit";
    const callMs = now();
    const answer = await line.ask((request) => ({
      case: "append",
      value: {
        request,
        logId: log.id,
        accessToken: log.token(epoch),
        epoch: BigInt(epoch),
        kind: commits ? EntryKind.COMMIT : EntryKind.MESSAGE,
        body,
        nextTokenHash: commits ? log.tokenHash(epoch + 1) : new Uint8Array(),
      },
    }));
    const atMs = now();
    const note = (outcome: AppendOutcome): void =>
      void log.appends.push({ id, kind, epoch, callMs, outcome });
    if (answer?.case === "appended") {
      note({ type: "stored", seq: Number(answer.value.seq), atMs });
      this.acknowledged.push({ id, callMs, atMs });
      if (commits) this.#epochs.set(log, epoch + 1);
      this.#intent = undefined;
      return undefined;
    }
    const problem = answer?.case === "refused" ? answer.value.problem : undefined;
    if (problem?.code === "epoch_ended") {
      const current = Number(problem.current);
      note({ type: "ended", winnerSeq: Number(problem.winnerSeq), current, atMs });
      this.#epochs.set(log, current);
      // A Commit is for its epoch alone. A message is encrypted again for the one that began.
      if (commits) this.#intent = undefined;
      else intent.epoch = current;
      return undefined;
    }
    if (problem === undefined || open.has(problem.code)) {
      note({ type: "unknown" });
      return problem && refusedPauseMs;
    }
    note({ type: "refused", atMs });
    if (problem.code === "draining") line.close();
    else this.unexpected.push(problem.code);
    return refusedPauseMs;
  }
}
