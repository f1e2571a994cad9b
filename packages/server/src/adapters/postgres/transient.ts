/** What lives for minutes, in PostgreSQL, where all nodes find it. The table is not logged: after a crash it is empty, and people begin again. */
import type { TransientKind, TransientStore } from "../../core/transient.ts";
import { named, type Connections } from "./connections.ts";

/** As they are stored; never used again for another. */
const numbers: Readonly<Record<TransientKind, number>> = {
  code: 1,
  request: 2,
  link: 3,
  "link-answer": 4,
  "recovery-ticket": 5,
  "recovery-account": 6,
  "blob-ticket": 7,
};

/** Most links, and most answers, that are held: some 100 MB. */
const mostLinks = 10_000;
const sweepMs = 60_000;
const rowsAtOnce = 10_000;

const SQL = named({
  readTransient:
    "SELECT value FROM transient WHERE kind = $1::smallint AND id = $2 AND expires_at_ms > $3::bigint",
  putTransient: `INSERT INTO transient (kind, id, value, expires_at_ms) VALUES ($1::smallint, $2, $3, $4::bigint)
    ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms`,
  addTransient: `INSERT INTO transient AS t (kind, id, value, expires_at_ms) VALUES ($1::smallint, $2, $3, $4::bigint)
    ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms
    WHERE t.expires_at_ms <= $5::bigint RETURNING 1 AS done`,
  swapTransient: `UPDATE transient SET value = $4, expires_at_ms = $5::bigint
    WHERE kind = $1::smallint AND id = $2 AND value = $3 AND expires_at_ms > $6::bigint RETURNING 1 AS done`,
  takeTransient: `DELETE FROM transient WHERE kind = $1::smallint AND id = $2
    RETURNING value, expires_at_ms > $3::bigint AS alive`,
  countTransient:
    "SELECT count(*) AS n FROM (SELECT 1 FROM transient WHERE kind = $1::smallint LIMIT $2::bigint) AS held",
  sweepTransient: `DELETE FROM transient t USING (
      SELECT kind, id FROM transient WHERE expires_at_ms <= $1::bigint ORDER BY expires_at_ms LIMIT $2::bigint
      FOR UPDATE SKIP LOCKED) old WHERE t.kind = old.kind AND t.id = old.id`,
});

/** The nodes' common memory. */
export class PostgresTransient implements TransientStore {
  readonly #connections: Connections;
  readonly #nowMs: () => number;
  #sweptAtMs = 0;

  constructor(connections: Connections, nowMs: () => number) {
    this.#connections = connections;
    this.#nowMs = nowMs;
  }

  async read(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    const [row] = await this.#connections.rows(SQL.readTransient, numbers[kind], id, this.#nowMs());
    return row?.["value"] as Uint8Array | undefined;
  }

  async put(kind: TransientKind, id: Uint8Array, value: Uint8Array, expiresAtMs: number): Promise<void> {
    await this.#sweep();
    await this.#connections.rows(SQL.putTransient, numbers[kind], id, value, expiresAtMs);
  }

  async swap(
    kind: TransientKind,
    id: Uint8Array,
    before: Uint8Array | undefined,
    after: Uint8Array,
    expiresAtMs: number,
  ): Promise<"done" | "differs" | "full"> {
    const number = numbers[kind];
    const nowMs = this.#nowMs();
    if (before !== undefined) {
      const swapped = await this.#connections.rows(
        SQL.swapTransient,
        number,
        id,
        before,
        after,
        expiresAtMs,
        nowMs,
      );
      return swapped.length > 0 ? "done" : "differs";
    }
    await this.#sweep();
    if (await this.#isFull(kind)) return "full";
    const added = await this.#connections.rows(SQL.addTransient, number, id, after, expiresAtMs, nowMs);
    return added.length > 0 ? "done" : "differs";
  }

  async take(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    const [row] = await this.#connections.rows(SQL.takeTransient, numbers[kind], id, this.#nowMs());
    return row?.["alive"] === true ? (row["value"] as Uint8Array) : undefined;
  }

  async #isFull(kind: TransientKind): Promise<boolean> {
    if (kind !== "link" && kind !== "link-answer") return false;
    const [row] = await this.#connections.rows(SQL.countTransient, numbers[kind], mostLinks);
    return Number(row?.["n"]) >= mostLinks;
  }

  /** Whoever adds something sees now and then to what expired. */
  async #sweep(): Promise<void> {
    const nowMs = this.#nowMs();
    if (nowMs < this.#sweptAtMs + sweepMs) return;
    this.#sweptAtMs = nowMs;
    await this.#connections.rows(SQL.sweepTransient, nowMs, rowsAtOnce);
  }
}
