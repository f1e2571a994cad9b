/**
 * A reader of the load: follows its own inbox and every conversation, epoch after epoch, acks what it has, and reads on from there after
 * each break. It keeps everything that it was given.
 */
import type { ReadEntry } from "@sotto/testkit/linearizability";
import { toHex, type SlotId } from "@sotto/protocol";
import type { WireDevice } from "../support/wire-device.ts";
import { now, readEntry, type ChaosLog } from "./chaos-log.ts";
import { keepWorking, type Entrance, type Line } from "./chaos-client.ts";

const window = 1_024;

/** A log that is followed. */
interface Followed {
  readonly log: ChaosLog;
  /** undefined for the inbox. */
  readonly slot: SlotId | undefined;
  readonly entries: Map<number, ReadEntry>;
  newest: number;
  epoch: number;
}

/** One reader, for one round. */
export class Follower {
  /** When it was given what, by id. */
  readonly givenAtMs = new Map<string, number>();
  readonly #device: WireDevice;
  readonly #logs: ReadonlyMap<string, Followed>;

  /** @param logs with the slots that are open for it */
  constructor(device: WireDevice, logs: readonly (readonly [ChaosLog, SlotId | undefined])[]) {
    this.#device = device;
    this.#logs = new Map(
      logs.map(([log, slot]): [string, Followed] => [
        toHex(log.id),
        { log, slot, entries: new Map(), newest: log.first.seq, epoch: log.first.epoch },
      ]),
    );
  }

  /** How far it has read. */
  newest(log: ChaosLog): number {
    return this.#logs.get(toHex(log.id))?.newest ?? 0;
  }

  /** What it was given, in the order of the log. */
  entries(log: ChaosLog): readonly ReadEntry[] {
    const entries = this.#logs.get(toHex(log.id))?.entries.values() ?? [];
    return [...entries].toSorted((a, b) => a.seq - b.seq);
  }

  /** Follows until it is told to stop. */
  async follow(entrance: Entrance, stopped: () => boolean, stop: Promise<unknown>): Promise<void> {
    await keepWorking(entrance, this.#device, stopped, async (line) => {
      const lists = new Map<Followed, ReturnType<typeof startList>>();
      line.onFrame = (frame) => {
        if (frame.case === "draining") line.close();
        if (frame.case === "epochEnded") {
          const followed = this.#logs.get(toHex(frame.value.logId));
          if (followed === undefined || Number(frame.value.epoch) !== followed.epoch) return;
          followed.epoch += 1;
          void this.#attach(line, followed, lists);
        }
        if (frame.case !== "entries") return;
        const followed = this.#logs.get(toHex(frame.value.logId));
        if (followed === undefined) return;
        const list = lists.get(followed) ?? startList(followed);
        const atMs = now();
        for (const entry of frame.value.entries) {
          const read = readEntry(entry);
          list.push({ ...read, atMs });
          if (!followed.entries.has(read.seq)) this.givenAtMs.set(read.id, atMs);
          followed.entries.set(read.seq, read);
          followed.newest = Math.max(followed.newest, read.seq);
        }
        const slotId = followed.slot ?? new Uint8Array();
        line.tell({ case: "ack", value: { logId: followed.log.id, slotId, seq: BigInt(followed.newest) } });
      };
      await Promise.all([...this.#logs.values()].map((followed) => this.#attach(line, followed, lists)));
      await Promise.race([line.closed, stop]);
    });
  }

  async #attach(
    line: Line,
    followed: Followed,
    lists: Map<Followed, ReturnType<typeof startList>>,
  ): Promise<void> {
    const { log, slot, epoch, newest } = followed;
    const callMs = now();
    const answer = await line.ask(
      (request) => ({
        case: "attach",
        value: {
          request,
          logId: log.id,
          slotId: slot ?? new Uint8Array(),
          accessToken: log.token(epoch),
          epoch: BigInt(epoch),
          afterSeq: BigInt(newest),
          window,
        },
      }),
      (frame) => {
        if (frame.case !== "attached") return;
        const { headSeq, epoch: present } = frame.value;
        log.looks.push({ head: Number(headSeq), epoch: Number(present), callMs, atMs: now() });
        lists.set(followed, startList(followed));
      },
    );
    // Refused, since its store is away: from the beginning.
    if (answer?.case !== "attached") line.close();
  }
}

function startList({ log }: Followed): ChaosLog["given"][number] {
  const list: ChaosLog["given"][number] = [];
  log.given.push(list);
  return list;
}
