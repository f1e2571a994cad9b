/**
 * Connections to PostgreSQL: statements, and transactions whose end is always known.
 *
 * A connection that breaks while COMMIT is under way leaves open whether it happened. The database knows, by the transaction's number
 * (pg_xact_status), whether it runs no more: it is asked until it answers. That alone is no proof, since a database that crashed gives the
 * numbers of what it lost out again. So each transaction leaves a mark that lives and dies with it: the next number of a name that no
 * other transaction has meanwhile. Nothing is told as stored that is not, nothing as failed that is stored, and nothing done twice. When
 * the database does not answer in time, StoreAway is thrown, and whoever asked learns no more than after a crash.
 *
 * While the database is away every call fails at once and only now and then one tries to connect, so that nobody waits in vain and it is
 * not flooded when it comes back.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { InternalError, StorageError } from "@sotto/protocol";
import { DatabaseError, Pool, type PoolClient, type QueryResult } from "pg";
import { StoreAway } from "../../core/store.ts";
import { TYPES } from "./binary.ts";
import type { DatabaseAddress } from "./database-url.ts";
import { SCHEMA } from "./schema.ts";

/** A statement that is prepared once for each connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}
/** Names statements by what they are called in the code. */
export function named<Name extends string>(
  statements: Readonly<Record<Name, string>>,
): Readonly<Record<Name, Statement>> {
  const entries = Object.entries<string>(statements).map(([name, text]) => [name, { name, text }]);
  return Object.fromEntries(entries) as Record<Name, Statement>;
}

/** A row by its columns. */
export type Row = Readonly<Record<string, unknown>>;
type Values = readonly (Uint8Array | string | number | boolean | undefined)[];

/** What goes on within a transaction. */
export interface Transaction {
  /** Runs a statement and waits for its rows. Several may be under way: they run in order, and share round trips. */
  rows(statement: Statement, ...values: Values): Promise<readonly Row[]>;
  /** Runs a statement whose outcome is waited for with the commit. Only after rows were read: by then the transaction runs. */
  write(statement: Statement, ...values: Values): void;
}

/** Thrown in a transaction: nothing of it stays, and this is its result. */
export class Undone<T> extends Error {
  readonly result: T;

  constructor(result: T) {
    super("undone");
    this.result = result;
  }
}

const connections = 10;
const statementMs = 10_000;
const lockMs = 5_000;
/** A node that stands still within a transaction holds its logs: the database lets go of them before the other nodes' patience ends. */
const idleInTransactionMs = 3_000;
const connectMs = 5_000;
/** How long the outcome of a commit is asked for. */
const settleMs = 10_000;
const settlePauseMs = 100;
/** Attempts when two transactions get into each other's way. */
const attempts = 8;
const firstPauseMs = 20;
const longestPauseMs = 2_000;

/**
 * Every statement of the hot paths finds its rows by keys. The planner is told so, instead of being left to conclude it anew from whatever
 * statistics there are: a plan made while a table is empty must not read all of it once it is full.
 */
const settings = [
  `search_path=${SCHEMA}`,
  "synchronous_commit=on",
  "default_transaction_isolation=read\\ committed",
  "plan_cache_mode=force_generic_plan",
  "enable_seqscan=off",
  "enable_hashjoin=off",
  "enable_mergejoin=off",
  "jit=off",
  `statement_timeout=${statementMs}`,
  `lock_timeout=${lockMs}`,
  `idle_in_transaction_session_timeout=${idleInTransactionMs}`,
];

/** The settings of every connection, as on the command line of postgres. */
export const sessionOptions: string = settings.map((setting) => `-c ${setting}`).join(" ");

/** The connections of one store. */
export class Connections {
  readonly #pool: Pool;
  /** Names that no transaction has now; there are as many as there are connections. */
  readonly #names: string[] = [];
  #transactions = 0;
  #closed = false;
  #pauseMs = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  /** @param prepare runs on each new connection before anything else does; it is not used when this fails. */
  constructor(
    address: DatabaseAddress,
    prepare?: (run: (sql: string) => Promise<readonly Row[]>) => Promise<void>,
  ) {
    this.#pool = new Pool({
      ...address,
      max: connections,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      pipeline: true,
      application_name: "sotto",
      options: sessionOptions,
      types: TYPES,
      // A network that swallows everything: the server's own limit never reaches us.
      query_timeout: statementMs + 5_000,
      onConnect: (client) => prepare?.(async (sql) => (await client.query<Row>(sql)).rows),
    });
    // Connections that break, in use or not: whoever uses one is told by its statement, and the next use makes a new one.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => void client.on("error", () => undefined));
  }

  /** Runs one statement by itself. @throws StorageError `unavailable`. */
  async rows(statement: Statement, ...values: Values): Promise<readonly Row[]> {
    const client = await this.#connect();
    let broken: unknown = true;
    try {
      const { rows } = await client.query<Row>({ ...statement, values: [...values] });
      broken = undefined;
      return rows;
    } catch (error) {
      if (isAnswer(error)) broken = undefined;
      throw failure(error);
    } finally {
      client.release(broken !== undefined);
    }
  }

  /**
   * Runs a transaction, again when another one got into its way: `work` may run several times.
   * @throws StorageError `unavailable`; StoreAway among them.
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (error instanceof Undone) return error.result as T;
        if (error instanceof InternalError) throw error;
        if (attempt >= attempts || !isConflict(error)) throw failure(error);
      }
    }
  }

  /** Runs plain SQL in one transaction that may take as long as it takes. */
  async script<T>(work: (run: (sql: string) => Promise<readonly Row[]>) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken = true;
    try {
      const run = async (sql: string): Promise<readonly Row[]> => (await client.query<Row>(sql)).rows;
      await run("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
      try {
        const result = await work(run);
        await run("COMMIT");
        broken = false;
        return result;
      } catch (error) {
        if (isAnswer(error) || error instanceof StorageError) {
          await run("ROLLBACK");
          broken = false;
        }
        throw error;
      }
    } catch (error) {
      throw failure(error);
    } finally {
      client.release(broken);
    }
  }

  /** Lets go of all connections, once what is under way is done. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  async #attempt<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    const mark: Mark = { name: this.#names.pop() ?? randomUUID(), number: ++this.#transactions };
    const run = new RunningTransaction(client, mark);
    let broken = false;
    try {
      const result = await work(run);
      run.result = result;
      await run.commit();
      return result;
    } catch (error) {
      await run.quiet();
      const cause = run.failed ?? error;
      // Undone, and mistakes of ours, come over a connection that is well.
      broken = run.failed !== undefined && !isAnswer(run.failed);
      if (broken && run.number !== undefined && run.committing && (await this.#happened(run.number, mark))) {
        return run.result as T;
      }
      if (!broken) broken = !(await run.rollBack());
      throw cause;
    } finally {
      // One that may run on somewhere keeps its name.
      if (!broken) this.#names.push(mark.name);
      client.release(broken);
    }
  }

  /** Whether a transaction happened whose connection broke. */
  async #happened(number: string, mark: Mark): Promise<boolean> {
    const untilMs = performance.now() + settleMs;
    for (;;) {
      try {
        const [row] = await this.rows(askStatus, number);
        if (row?.["status"] === "aborted") return false;
        if (row?.["status"] === "committed") {
          const [newest] = await this.rows(readMark, mark.name);
          return newest?.["newest"] === mark.number;
        }
      } catch (error) {
        // The database crashed and has not come to this number again.
        if (isFuture(error)) return false;
        // It is still away.
      }
      if (performance.now() > untilMs) throw new StoreAway("nobody knows whether a commit happened");
      await sleep(settlePauseMs);
    }
  }

  async #connect(): Promise<PoolClient> {
    if (this.#closed) throw new StoreAway("the database is closed");
    if (performance.now() < this.#retryAtMs) throw new StoreAway("the database cannot be reached");
    try {
      const client = await this.#pool.connect();
      this.#pauseMs = 0;
      return client;
    } catch (cause) {
      this.#pauseMs = Math.min(Math.max(firstPauseMs, this.#pauseMs * 2), longestPauseMs);
      // Many nodes that lost one database do not come back all at once.
      this.#retryAtMs = performance.now() + this.#pauseMs * (0.5 + Math.random());
      throw failure(cause);
    }
  }
}

const begin = "BEGIN; SELECT pg_current_xact_id()::text AS number";
const { askStatus, leaveMark, readMark } = named({
  askStatus: "SELECT pg_xact_status($1::text::xid8) AS status",
  leaveMark: `INSERT INTO commits (name, newest) VALUES ($1::uuid, $2::bigint)
    ON CONFLICT (name) DO UPDATE SET newest = excluded.newest, at = now()`,
  readMark: "SELECT newest FROM commits WHERE name = $1::uuid",
});

/** What a transaction leaves in the database. */
interface Mark {
  readonly name: string;
  readonly number: number;
}

/** One attempt of a transaction on one connection. */
class RunningTransaction implements Transaction {
  readonly #client: PoolClient;
  readonly #mark: Mark;
  readonly #beginning: Promise<void>;
  readonly #under: Promise<unknown>[] = [];
  #begun = false;
  /** Its number, once it runs. */
  number: string | undefined;
  /** Whether COMMIT was sent. */
  committing = false;
  /** What went wrong first, in the order of the statements. */
  failed: unknown;
  /** What it is to return, noted before COMMIT. */
  result: unknown;

  constructor(client: PoolClient, mark: Mark) {
    this.#client = client;
    this.#mark = mark;
    this.#beginning = this.#begin();
    this.#watch(this.#beginning);
  }

  async rows(statement: Statement, ...values: Values): Promise<readonly Row[]> {
    const answer = this.#client.query<Row>({ ...statement, values: [...values] });
    this.#watch(answer);
    const { rows } = await answer;
    if (!this.#begun) throw new InternalError("internal", "a statement ran outside of its transaction");
    return rows;
  }

  write(statement: Statement, ...values: Values): void {
    // Had BEGIN failed, what follows it would be stored by itself.
    if (!this.#begun) throw new InternalError("internal", "nothing was read in this transaction yet");
    this.#watch(this.#client.query({ ...statement, values: [...values] }));
  }

  async commit(): Promise<void> {
    await this.#beginning;
    this.write(leaveMark, this.#mark.name, this.#mark.number);
    this.committing = true;
    const answer = this.#client.query("COMMIT");
    this.#watch(answer);
    await this.quiet();
    if (this.failed !== undefined) throw this.failed;
    // To a transaction that failed PostgreSQL answers COMMIT with ROLLBACK.
    const { command } = await answer;
    if (command !== "COMMIT") throw new InternalError("internal", `COMMIT was answered with ${command}`);
  }

  /** Resolves when nothing is under way any more. */
  async quiet(): Promise<void> {
    await Promise.allSettled(this.#under);
  }

  /** Whether the connection is good for another one. */
  async rollBack(): Promise<boolean> {
    try {
      await this.#client.query("ROLLBACK");
      return true;
    } catch {
      return false;
    }
  }

  async #begin(): Promise<void> {
    // Two statements, two results; the types know of one.
    const results = (await this.#client.query<Row>(begin)) as unknown as readonly QueryResult<Row>[];
    this.number = String(results[1]?.rows[0]?.["number"]);
    this.#begun = true;
  }

  #watch(answer: Promise<unknown>): void {
    // Those after the first are refused only because it failed.
    this.#under.push(answer.catch((error: unknown) => (this.failed ??= error)));
  }
}

/** Whether the database itself said it, over a connection that goes on. */
function isAnswer(error: unknown): boolean {
  const code = sqlState(error);
  return code !== undefined && !code.startsWith("57P") && !code.startsWith("08");
}

/** Serialization, deadlock, and keys that another transaction took meanwhile: a second look finds them. */
function isConflict(error: unknown): boolean {
  return ["40001", "40P01", "23505"].includes(sqlState(error) ?? "");
}

/** The five characters of an error that the database sent. */
function sqlState(error: unknown): string | undefined {
  const code = error instanceof DatabaseError ? error.code : undefined;
  return code?.length === 5 ? code : undefined;
}

/** Whether the database says that a transaction's number is yet to come. */
function isFuture(error: unknown): boolean {
  return error instanceof StorageError && sqlState(error.cause) === "22023";
}

function failure(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const message = "the server's storage failed";
  // Values that do not fit (22) and rules that are broken (23) are one operation's affair, all else is everybody's.
  const own = /^2[23]/.test(sqlState(cause) ?? "");
  return own ? new StorageError("unavailable", message, { cause }) : new StoreAway(message, { cause });
}
