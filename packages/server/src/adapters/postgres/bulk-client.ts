/** A connection for work that takes long: reading all of a database, or filling it. */
import { StorageError } from "@sotto/protocol";
import { Client } from "pg";
import { TYPES } from "./binary.ts";
import type { Row } from "./connections.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { reasonOf } from "./reason.ts";
import { SCHEMA } from "./schema.ts";

/** Rows are found by keys, in the order of keys, so that the database neither sorts nor hashes what does not fit into its memory. */
const settings = [
  `search_path=${SCHEMA}`,
  "enable_seqscan=off",
  "enable_hashjoin=off",
  "enable_mergejoin=off",
  "enable_sort=off",
  "jit=off",
  "statement_timeout=0",
  "lock_timeout=0",
  "idle_in_transaction_session_timeout=0",
];

type Parameter = Uint8Array | readonly string[] | string | number;

/** The connection. */
export class BulkClient {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** @throws UsageError `config_invalid`; StorageError `unavailable`. */
  static async connect(url: string): Promise<BulkClient> {
    const client = new Client({
      ...parseDatabaseUrl(url),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      pipeline: true,
      application_name: "sotto admin",
      options: settings.map((setting) => `-c ${setting}`).join(" "),
      types: TYPES,
    });
    // A connection that breaks is told by the statement that used it.
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (cause) {
      throw failure(cause);
    }
    return new BulkClient(client);
  }

  /** Runs a statement; without parameters several. @throws StorageError `unavailable`. */
  async rows(text: string, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    try {
      const answer =
        values.length === 0 ? this.#client.query<Row>(text) : this.#client.query<Row>(text, [...values]);
      const { rows } = await answer;
      return rows ?? [];
    } catch (cause) {
      throw failure(cause);
    }
  }

  /** Runs statements as one. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.rows("BEGIN");
    try {
      const result = await work();
      await this.rows("COMMIT");
      return result;
    } catch (error) {
      await this.rows("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}

function failure(cause: unknown): StorageError {
  return new StorageError("unavailable", `the database cannot be used: ${reasonOf(cause)}`, { cause });
}
