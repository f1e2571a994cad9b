/** Conversations of a round: made before its load and read after it, however long the nodes refuse. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SlotId } from "@sotto/protocol";
import type { ReadEntry } from "@sotto/testkit/linearizability";
import type { WireDevice } from "../support/wire-device.ts";
import { Line, patienceMs, type Entrance } from "./chaos-client.ts";
import { now, readEntry, type ChaosLog } from "./chaos-log.ts";

const pieceEntries = 1_024;
const insistMs = 45_000;

/** Creates a conversation with its slots. @throws Error after a while. */
export async function createConversation(
  entrance: Entrance,
  keeper: WireDevice,
  log: ChaosLog,
  slots: readonly SlotId[],
): Promise<void> {
  await insist(async () => {
    const line = await Line.open(entrance, keeper);
    const made = await line?.ask((request) => ({
      case: "createLog",
      value: { request, logId: log.id, tokenHash: log.tokenHash(0) },
    }));
    const isThere =
      made?.case === "done" || (made?.case === "refused" && made.value.problem?.code === "log_exists");
    const opened = await Promise.all(
      slots.map((slotId) =>
        line?.ask((request) => ({
          case: "openSlot",
          value: { request, logId: log.id, slotId, accessToken: log.token(0), afterSeq: 0n },
        })),
      ),
    );
    line?.close();
    return isThere && opened.every((answer) => answer?.case === "done") ? true : undefined;
  });
}

/** Everything that a conversation holds, read without acking. @throws Error after a while. */
export async function readConversation(
  entrance: Entrance,
  keeper: WireDevice,
  log: ChaosLog,
  slotId: SlotId,
): Promise<readonly ReadEntry[]> {
  const entries: ReadEntry[] = [];
  let [epoch, head] = [0, -1];
  await insist(async () => {
    const line = await Line.open(entrance, keeper);
    if (line === undefined) return undefined;
    const ended = new Set<number>();
    line.onFrame = (frame) => {
      if (frame.case === "entries") entries.push(...frame.value.entries.map(readEntry));
      if (frame.case === "epochEnded") ended.add(Number(frame.value.epoch));
    };
    while (line.isOpen && entries.length !== head) {
      const before = entries.length;
      const answer = await line.ask((request) => ({
        case: "attach",
        value: {
          request,
          logId: log.id,
          slotId,
          accessToken: log.token(epoch),
          epoch: BigInt(epoch),
          afterSeq: BigInt(before),
          window: pieceEntries,
        },
      }));
      if (answer?.case !== "attached") break;
      head = Number(answer.value.headSeq);
      const piece = Math.min(head, before + pieceEntries);
      for (const untilMs = now() + patienceMs; !ended.has(epoch) && entries.length < piece; await sleep(2)) {
        if (!line.isOpen || now() > untilMs) break;
      }
      if (ended.has(epoch)) epoch += 1;
      else if (entries.length === before) break;
    }
    line.close();
    return entries.length === head ? true : undefined;
  });
  return entries;
}

/** Tries until it works. @throws Error after a while. */
async function insist(attempt: () => Promise<true | undefined>): Promise<void> {
  for (const untilMs = now() + insistMs; (await attempt()) !== true; await sleep(200)) {
    if (now() > untilMs) throw new Error("a conversation cannot be made or read");
  }
}
