/** A PostgreSQL store for tests: one instance and one database for a file, emptied between tests. */
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { openPostgresStore, type PostgresStore } from "../../src/adapters/postgres/store.ts";
import type { LogLimits } from "../../src/core/logs/decide.ts";

/** Whose database it is, in tests. */
export const testOwner: Uint8Array = new Uint8Array(32).fill(1);

/** One database of an instance. */
export class StoreDatabase {
  readonly url: string;

  private constructor(url: string) {
    this.url = url;
  }

  static async create(postgres: TestPostgres): Promise<StoreDatabase> {
    return new StoreDatabase(await postgres.createDatabase());
  }

  open(limits?: LogLimits, nowMs: () => number = Date.now): Promise<PostgresStore> {
    return openPostgresStore({ url: this.url, owner: testOwner, nowMs, ...(limits && { limits }) });
  }

  /** Empties what was left: quicker than a database of its own for each test. */
  async empty(): Promise<void> {
    await withClient(this.url, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT relname AS name FROM pg_class
         WHERE relnamespace = to_regnamespace('sotto') AND relkind IN ('r', 'p') AND NOT relispartition
           AND relname NOT IN ('migrations', 'owner', 'totals')`,
      );
      if (rows.length === 0) return;
      const deletions = rows.map(({ name }) => `DELETE FROM sotto.${name}`).join("; ");
      await client.query(
        `SET session_replication_role = replica; ${deletions}; UPDATE sotto.totals SET n = 0`,
      );
    });
  }
}
