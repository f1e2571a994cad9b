/** Writes what a batch decided, in as many statements as there are kinds of change. All of them go out at once, before the commit. */
import { bytesArray, numbersArray } from "./binary.ts";
import type { Transaction } from "./connections.ts";
import type { BatchLog, NamedSlot } from "./log-batch.ts";
import { SQL } from "./log-statements.ts";

/** Sends the writes. */
export function writeBatch(transaction: Transaction, logs: readonly BatchLog[]): void {
  const changed = logs.filter((log) => log.changed);
  const made = changed.filter(({ isNew }) => isNew);
  const known = changed.filter(({ isNew }) => !isNew);
  // Entries that are stored go, and give back their bytes.
  const trimmed = known.filter(
    ({ stored, trimmedSeq }) => trimmedSeq > stored.trimmedSeq && stored.headSeq > stored.trimmedSeq,
  );
  const kept = known.filter((log) => !trimmed.includes(log));
  if (made.length > 0) {
    transaction.write(SQL.insertLogs, ...columns(made), numbersArray(made.map(({ madeAtSec }) => madeAtSec)));
  }
  if (kept.length > 0) transaction.write(SQL.updateLogs, ...columns(kept));
  if (trimmed.length > 0) transaction.write(SQL.trimLogs, ...columns(trimmed));
  writeEntries(transaction, changed);
  writeEpochs(transaction, changed);
  writeSlots(transaction, logs);
}

function columns(logs: readonly BatchLog[]): Buffer[] {
  const numbers = (of: (log: BatchLog) => number): Buffer => numbersArray(logs.map(of));
  return [
    bytesArray(
      "uuid",
      logs.map(({ id }) => id),
    ),
    numbers(({ headSeq }) => headSeq),
    numbers(({ trimmedSeq }) => trimmedSeq),
    numbers(({ epoch }) => epoch),
    bytesArray(
      "bytea",
      logs.map(({ tokenHash }) => tokenHash),
    ),
    numbers(({ startSeq }) => startSeq),
    numbers(({ addedBytes }) => addedBytes),
  ];
}

function writeEntries(transaction: Transaction, logs: readonly BatchLog[]): void {
  const entries = logs.flatMap(({ id, added }) => added.map((entry) => ({ id, entry })));
  if (entries.length === 0) return;
  transaction.write(
    SQL.insertEntries,
    bytesArray(
      "uuid",
      entries.map(({ id }) => id),
    ),
    numbersArray(entries.map(({ entry }) => entry.seq)),
    numbersArray(entries.map(({ entry }) => entry.epoch)),
    numbersArray(entries.map(({ entry }) => entry.kind)),
    numbersArray(entries.map(({ entry }) => entry.storedAtSec)),
    bytesArray(
      "bytea",
      entries.map(({ entry }) => entry.body),
    ),
  );
}

function writeEpochs(transaction: Transaction, logs: readonly BatchLog[]): void {
  const epochs = logs.flatMap(({ id, ended }) =>
    [...ended].filter(([, { isNew }]) => isNew).map(([epoch, state]) => ({ id, epoch, state })),
  );
  if (epochs.length === 0) return;
  transaction.write(
    SQL.insertEpochs,
    bytesArray(
      "uuid",
      epochs.map(({ id }) => id),
    ),
    numbersArray(epochs.map(({ epoch }) => epoch)),
    bytesArray(
      "bytea",
      epochs.map(({ state }) => state.tokenHash),
    ),
    numbersArray(epochs.map(({ state }) => state.startSeq)),
    numbersArray(epochs.map(({ state }) => state.endedBySeq)),
  );
}

function writeSlots(transaction: Transaction, logs: readonly BatchLog[]): void {
  const slots = logs.flatMap(({ id, slots: named }) =>
    [...named.values()].map((slot) => ({ log: id, slot })),
  );
  const put = (name: "insertSlots" | "updateSlots", which: (slot: NamedSlot) => boolean): void => {
    const some = slots.filter(({ slot }) => which(slot));
    if (some.length === 0) return;
    transaction.write(
      SQL[name],
      bytesArray(
        "uuid",
        some.map(({ log }) => log),
      ),
      bytesArray(
        "uuid",
        some.map(({ slot }) => slot.id),
      ),
      numbersArray(some.map(({ slot }) => slot.state?.cursor ?? 0)),
      numbersArray(some.map(({ slot }) => slot.state?.usedAtSec ?? 0)),
    );
  };
  put("insertSlots", ({ state, stored }) => state !== undefined && stored === undefined);
  put("updateSlots", ({ state, stored }) => state !== undefined && stored !== undefined && state !== stored);
  const closed = slots.filter(({ slot }) => slot.state === undefined && slot.stored !== undefined);
  if (closed.length === 0) return;
  transaction.write(
    SQL.deleteSlots,
    bytesArray(
      "uuid",
      closed.map(({ log }) => log),
    ),
    bytesArray(
      "uuid",
      closed.map(({ slot }) => slot.id),
    ),
  );
}
