/** Streams of rows that are in order: several made one, and two compared. */
import type { Row, Rows } from "./rows.ts";

/** Most rows handed on at once. */
const batchRows = 512;

/** A stream, one row at a time. */
class Head {
  readonly #batches: AsyncIterator<readonly Row[]>;
  #batch: readonly Row[] = [];
  #at = 0;
  #isOver = false;

  constructor(rows: Rows) {
    this.#batches = rows[Symbol.asyncIterator]();
  }

  /** The first row, which stays. */
  async peek(): Promise<Row | undefined> {
    while (this.#at >= this.#batch.length && !this.#isOver) {
      const next = await this.#batches.next();
      this.#isOver = next.done === true;
      if (next.done === true) return undefined;
      this.#batch = next.value;
      this.#at = 0;
    }
    return this.#batch[this.#at];
  }

  /** The first row if it is at hand already. */
  get ready(): Row | undefined {
    return this.#batch[this.#at];
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  skip(): void {
    this.#at++;
  }

  async end(): Promise<void> {
    await this.#batches.return?.();
  }
}

/** One stream of several. */
export async function* merged(streams: readonly Rows[]): AsyncGenerator<readonly Row[]> {
  let heads = streams.map((stream) => new Head(stream));
  try {
    for (let batch: Row[] = []; ;) {
      let least: Head | undefined;
      let first: Row | undefined;
      for (const head of heads) {
        const row = head.ready ?? (await head.peek());
        if (row !== undefined && (first === undefined || row.order.compare(first.order) < 0)) {
          first = row;
          least = head;
        }
      }
      if (first === undefined || batch.length >= batchRows) {
        yield batch;
        batch = [];
        heads = heads.filter(({ isOver }) => !isOver);
      }
      if (first === undefined) return;
      batch.push(first);
      least?.skip();
    }
  } finally {
    for (const head of heads) await head.end();
  }
}

/** What makes one store like another. */
export interface Difference {
  readonly put: Row;
  /** The row that stands in its place. */
  readonly over?: Row;
}
/** A row that is too much. */
export interface Surplus {
  readonly remove: Row;
}

/** What has to change in `target` to be as `source` is. @param same whether two rows of one key are alike. */
export async function* differences(
  source: Rows,
  target: Rows,
  same: (a: Row, b: Row) => boolean,
): AsyncGenerator<Difference | Surplus> {
  const [from, to] = [new Head(source), new Head(target)];
  try {
    for (;;) {
      const a = from.ready ?? (await from.peek());
      const b = to.ready ?? (await to.peek());
      if (a === undefined && b === undefined) return;
      const order = a === undefined ? 1 : b === undefined ? -1 : a.order.compare(b.order);
      if (order <= 0) from.skip();
      if (order >= 0) to.skip();
      if (order > 0) yield { remove: b as Row };
      else if (order < 0) yield { put: a as Row };
      else if (!same(a as Row, b as Row)) yield { put: a as Row, over: b as Row };
    }
  } finally {
    await from.end();
    await to.end();
  }
}
