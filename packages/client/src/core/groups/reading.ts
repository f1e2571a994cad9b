/**
 * Reading conversation logs: each from its cursor on with the token of its epoch, entry after entry, acked once stored. A Commit ends
 * what one token opens; the next token goes on. Whatever does not fit together is asked for anew.
 */
import { EntryKind, toHex, type Entries, type Attached, type SottoError } from "@sotto/protocol";
import { bytesOf } from "../hex.ts";
import { pauseMs } from "../reconnect.ts";
import { isReady, request, type Answer } from "../session.ts";
import type { Step } from "../step.ts";
import { takeEntry } from "./entries.ts";
import { takeEphemeral } from "./ephemeral.ts";
import { putGroup, wakeGroup, type GroupLive } from "./state.ts";
import { isRead, isLevel } from "./level.ts";
import { loseState } from "./losing.ts";

/** How often attaching is refused before our state counts as lost: a slot that others open for us may come a little later. */
const mostRefusals = 6;
/** How often an entry is tried that fails by a fault of ours. */
const mostFaults = 4;

/** Begins to read, or begins anew. */
export function attachGroup(step: Step, group: GroupLive): void {
  const { reader, record } = group;
  if (!isReady(step) || reader.phase !== "detached" || reader.busy || !isRead(group)) return;
  reader.phase = "attaching";
  reader.waiting.length = 0;
  const asked = record.epoch;
  request(
    step,
    (number) => ({
      case: "attach",
      value: {
        $typeName: "sotto.v1.Attach",
        request: number,
        logId: bytesOf(record.id),
        slotId: bytesOf(record.slot),
        accessToken: record.token,
        epoch: BigInt(record.epoch),
        afterSeq: BigInt(record.cursor),
        window: 0,
      },
    }),
    async (later, answer) => onAttached(later, group, asked, answer),
  );
}

async function onAttached(step: Step, group: GroupLive, asked: number, answer: Answer): Promise<void> {
  const { reader, record } = group;
  if (answer.type === "attached") return begin(step, group, asked, answer.attached);
  reader.phase = "detached";
  if (answer.type !== "refused") return;
  reader.failures += 1;
  const { code } = answer.error;
  if ((code === "log_refused" || code === "slot_unknown") && reader.failures >= mostRefusals) {
    return loseState(step, group, { why: code === "log_refused" ? "log" : "own" });
  }
  later(step, group, `attach ${record.id}`, reader.failures, answer.error);
}

async function begin(step: Step, group: GroupLive, asked: number, attached: Attached): Promise<void> {
  const { reader, record } = group;
  if (record.epoch !== asked) {
    reader.phase = "detached";
    return wakeGroup(step, record.id);
  }
  reader.phase = "attached";
  reader.failures = 0;
  reader.epoch = Number(attached.epoch);
  reader.head = Number(attached.headSeq);
  reader.read = record.cursor;
  // A log that was restored from an older copy numbers anew what comes; what we have is known by its ratchets.
  if (reader.head < record.cursor) {
    putGroup(step, group, { cursor: reader.head });
    reader.read = reader.head;
  }
  if (Number(attached.cursorSeq) > record.cursor) {
    return loseState(step, group);
  }
  if (Number(attached.trimmedSeq) > record.cursor) {
    return loseState(step, group);
  }
  wakeGroup(step, record.id);
}

/** Takes entries of a conversation log in; false when the log is none that we read. */
export async function onGroupEntries(step: Step, { logId, entries }: Entries): Promise<boolean> {
  const group = step.live.groups.byId.get(toHex(logId));
  if (group === undefined) return false;
  const { reader } = group;
  for (const entry of entries) {
    if (entry.kind === EntryKind.EPHEMERAL) {
      await takeEphemeral(step, group, entry);
      continue;
    }
    if (reader.phase !== "attached") break;
    const seq = Number(entry.seq);
    if (seq <= reader.read) continue;
    if (seq !== reader.read + 1) {
      // A hole: ask for it again, a little later, so that a server that insists gets no endless loop.
      reader.phase = "detached";
      reader.failures += 1;
      later(step, group, `attach ${group.record.id}`, reader.failures);
      break;
    }
    reader.read = seq;
    reader.waiting.push(entry);
  }
  if (reader.waiting.length > 0) wakeGroup(step, group.record.id);
  return true;
}

/** Takes in what came, until something must be looked up first. */
export async function pumpEntries(step: Step, group: GroupLive): Promise<void> {
  const { reader } = group;
  const before = group.record.cursor;
  while (!reader.busy && group.record.state === "joined") {
    const entry = reader.waiting[0];
    if (entry === undefined) break;
    const verdict = await takeEntry(step, group, entry, reader.faults >= mostFaults);
    if (verdict.type === "ask") {
      reader.busy = true;
      await verdict.ask(async (then) => {
        reader.busy = false;
        wakeGroup(then, group.record.id);
      });
      break;
    }
    if (verdict.type === "again") {
      reader.faults += 1;
      reader.busy = true;
      later(step, group, `entry ${group.record.id}`, reader.faults, verdict.fault);
      break;
    }
    if (verdict.type === "stopped") break;
    reader.waiting.shift();
    reader.faults = 0;
    putGroup(step, group, { cursor: Number(entry.seq) });
    if (verdict.type === "new-epoch") reader.phase = "detached";
  }
  const { cursor, id, slot } = group.record;
  if (cursor > before && isReady(step) && group.record.state === "joined") {
    step.effects.push({
      type: "send",
      frame: {
        case: "ack",
        value: { $typeName: "sotto.v1.Ack", logId: bytesOf(id), slotId: bytesOf(slot), seq: BigInt(cursor) },
      },
    });
  }
  if (isLevel(group)) reader.caughtUp = true;
}

/** The connection is gone: reading begins anew with the next. */
export function detachGroups(step: Step): void {
  for (const group of step.live.groups.byId.values()) {
    group.reader.phase = "detached";
    group.reader.waiting.length = 0;
    group.reader.caughtUp = false;
    group.reader.busy = false;
    group.reader.failures = 0;
    group.commitSent = false;
    group.planning = false;
    group.tasksBusy = false;
  }
}

function later(step: Step, group: GroupLive, name: string, failures: number, error?: SottoError): void {
  step.effects.push({
    type: "timer",
    name,
    delayMs: pauseMs(failures, error?.retryAfterMs, step.env.random()),
    run: async (then) => {
      group.reader.busy = false;
      wakeGroup(then, group.record.id);
    },
  });
}
