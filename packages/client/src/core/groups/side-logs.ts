/** Reading a side log: bytes for several readers, in numbered pieces, complete when their hash fits. */
import { EntryKind, equalBytes, toHex, type Entries, type SideLog } from "@sotto/protocol";
import { bytesOf } from "../hex.ts";
import { request } from "../session.ts";
import type { Step } from "../step.ts";

/** What is read now, by log. */
export type SideReads = Map<string, SideRead>;

interface SideRead {
  readonly side: SideLog;
  readonly slot: Uint8Array;
  readonly pieces: Map<number, Uint8Array>;
  bytes: number;
  readonly onEnd: (step: Step, sealed: Uint8Array | "failed") => Promise<void>;
}

const largestBytes = 64 * 1024 * 1024;
const patienceMs = 60_000;

/** Fetches the bytes of a side log, as they lie there. `then` is called once. */
export async function fetchSideLog(step: Step, side: SideLog, then: SideRead["onEnd"]): Promise<void> {
  const id = toHex(side.logId);
  const { sideReads, groups, own } = step.live;
  // Whoever names a log that is read for something else would have its entries taken for pieces, and acked.
  const taken = sideReads.has(id) || groups.byId.has(id) || id === own.inbox;
  if (side.size > BigInt(largestBytes) || taken) return then(step, "failed");
  const slot = step.env.crypto.randomBytes(16);
  step.live.sideReads.set(id, { side, slot, pieces: new Map(), bytes: 0, onEnd: then });
  const common = { logId: side.logId, slotId: slot, accessToken: side.accessToken, epoch: 0n };
  request(
    step,
    (number) => ({
      case: "openSlot",
      value: { $typeName: "sotto.v1.OpenSlot", request: number, ...common, afterSeq: 0n },
    }),
    async (later, answer) => {
      if (answer.type !== "done") return end(later, id, "failed");
      request(
        later,
        (number) => ({
          case: "attach",
          value: { $typeName: "sotto.v1.Attach", request: number, ...common, afterSeq: 0n, window: 0 },
        }),
        async (last, attached) => {
          if (attached.type !== "attached") await end(last, id, "failed");
        },
      );
    },
  );
  step.effects.push({
    type: "timer",
    name: `side log ${id}`,
    delayMs: patienceMs,
    run: async (later) => end(later, id, "failed"),
  });
}

/** Takes entries of a side log in; false when the log is none that is read now. */
export async function onSideEntries(step: Step, { logId, entries }: Entries): Promise<boolean> {
  const id = toHex(logId);
  const read = step.live.sideReads.get(id);
  if (read === undefined) return false;
  let last = 0n;
  for (const entry of entries) {
    if (entry.kind !== EntryKind.MESSAGE || entry.body.length < 4) continue;
    last = entry.seq;
    const number = new DataView(entry.body.buffer, entry.body.byteOffset, 4).getUint32(0);
    const piece = entry.body.subarray(4);
    if (read.pieces.has(number) || read.bytes + piece.length > Number(read.side.size)) continue;
    read.pieces.set(number, piece.slice());
    read.bytes += piece.length;
  }
  if (last > 0n) {
    step.effects.push({
      type: "send",
      frame: { case: "ack", value: { $typeName: "sotto.v1.Ack", logId, slotId: read.slot, seq: last } },
    });
  }
  if (read.bytes === Number(read.side.size)) await complete(step, id, read);
  return true;
}

async function complete(step: Step, id: string, read: SideRead): Promise<void> {
  const whole = new Uint8Array(read.bytes);
  let at = 0;
  for (let number = 0; number < read.pieces.size; number++) {
    const piece = read.pieces.get(number);
    if (piece === undefined) return end(step, id, "failed");
    whole.set(piece, at);
    at += piece.length;
  }
  const hash = await step.env.crypto.sha256(whole);
  await end(step, id, equalBytes(hash, read.side.sha256) ? whole : "failed");
}

async function end(step: Step, id: string, outcome: Uint8Array | "failed"): Promise<void> {
  const read = step.live.sideReads.get(id);
  if (read === undefined) return;
  step.live.sideReads.delete(id);
  step.effects.push({ type: "cancel-timer", name: `side log ${id}` });
  request(
    step,
    (number) => ({
      case: "closeSlot",
      value: {
        $typeName: "sotto.v1.CloseSlot",
        request: number,
        logId: bytesOf(id),
        slotId: read.slot,
      },
    }),
    async () => {},
  );
  await read.onEnd(step, outcome);
}
