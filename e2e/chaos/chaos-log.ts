/** A log that the load writes to: how it is reached, and the record of all that is done to it. */
import { createHash, randomBytes } from "node:crypto";
import { EntryKind, logId, slotId, type Entry, type LogId, type SlotId } from "@sotto/protocol";
import type { AppendCall, GivenEntry, LogHistory, Look, ReadEntry } from "@sotto/testkit/linearizability";

const sha256 = (...data: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const hash = createHash("sha256");
  for (const piece of data) hash.update(piece);
  return new Uint8Array(hash.digest());
};

/** Milliseconds of the one clock of all calls. */
export const now = (): number => performance.now();

/** An inbox, or a conversation log whose tokens all writers know. */
export class ChaosLog {
  readonly name: string;
  readonly id: LogId;
  readonly isInbox: boolean;
  first: { readonly seq: number; readonly epoch: number };
  appends: AppendCall[] = [];
  /** Appends of earlier records that nobody answered: they may still come to be stored. */
  earlier: readonly AppendCall[] = [];
  looks: Look[] = [];
  given: GivenEntry[][] = [];
  readonly #secret = randomBytes(32);

  private constructor(name: string, id: LogId, isInbox: boolean) {
    this.name = name;
    this.id = id;
    this.isInbox = isInbox;
    this.first = { seq: 0, epoch: 0 };
  }

  static inbox(name: string, id: LogId): ChaosLog {
    return new ChaosLog(name, id, true);
  }

  /** One that is still to be created, with epoch 0. */
  static conversation(name: string): ChaosLog {
    return new ChaosLog(name, logId(new Uint8Array(randomBytes(16))), false);
  }

  /** What opens an epoch; empty for an inbox. */
  token(epoch: number): Uint8Array<ArrayBuffer> {
    return this.isInbox ? new Uint8Array() : sha256(this.#secret, Buffer.from(String(epoch)));
  }

  tokenHash(epoch: number): Uint8Array<ArrayBuffer> {
    return sha256(this.token(epoch));
  }

  /** @param entries what the log holds in the end, from the beginning of the record. */
  history(entries: readonly ReadEntry[]): LogHistory {
    const { first, looks, given } = this;
    const appends = [...this.earlier, ...this.appends];
    return { first, appends, looks, given, entries };
  }

  /** Begins a new record from an end on. @param stored ids of all that is. */
  forget(seq: number, stored: ReadonlySet<string>): void {
    this.first = { seq, epoch: 0 };
    const { appends } = this.history([]);
    this.earlier = appends.filter(({ id, outcome }) => outcome.type === "unknown" && !stored.has(id));
    [this.appends, this.looks, this.given] = [[], [], []];
  }
}

/** A random slot. */
export const newSlot = (): SlotId => slotId(new Uint8Array(randomBytes(16)));

/** The body of an append: its id, and as much more as makes it a usual message. */
export const bodyOf = (id: string, padding: number): Buffer => Buffer.from(`${id} ${"x".repeat(padding)}`);

/** An entry as the checker has it. */
export function readEntry({ seq, epoch, kind, body }: Entry): ReadEntry {
  const text = Buffer.from(body).toString();
  return {
    seq: Number(seq),
    id: text.slice(0, text.indexOf(" ")),
    kind: kind === EntryKind.COMMIT ? "commit" : "message",
    epoch: Number(epoch),
  };
}
