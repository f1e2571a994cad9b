/**
 * Brings a database up to date, forward only, in one transaction. Nodes that start at once wait for each other by an advisory lock,
 * and all but the first find nothing left to do.
 */
import { StorageError, toHex } from "@sotto/protocol";
import type { Connections, Row } from "./connections.ts";
import { MIGRATIONS, SCHEMA } from "./schema.ts";

type Run = (sql: string) => Promise<readonly Row[]>;

/** Is there while a database is being filled by `sotto admin`: nobody may be served from a part of a server's data. */
export const UNFINISHED_TABLE = "unfinished";

/** Of an advisory lock: "Stto" in ASCII. */
const migrationLock = 0x5374746f;
/** Of another, "Sttf": shared by all connections of servers, held alone by whoever fills the database. */
const useLock = 0x53747466;

/** Whether a database is marked as one that is being filled. */
export async function isUnfinished(run: Run): Promise<boolean> {
  const [mark] = await run(`SELECT to_regclass('${UNFINISHED_TABLE}') IS NOT NULL AS there`);
  return mark?.["there"] === true;
}

/** Takes a share in a database for as long as a connection lasts: nobody fills it meanwhile. @throws StorageError `data_unfinished`. */
export async function shareUse(run: Run): Promise<void> {
  // Two statements, so that the second sees what was committed before the first; one round trip.
  const [[use], isMarked] = await Promise.all([
    run(`SELECT pg_try_advisory_lock_shared(${useLock}) AS shared`),
    isUnfinished(run),
  ]);
  if (use?.["shared"] !== true || isMarked) throw unfinishedData();
}

/** Takes a database for a connection alone. False: a server uses it, or somebody fills it. */
export async function claimUse(run: Run): Promise<boolean> {
  const [use] = await run(`SELECT pg_try_advisory_lock(${useLock}) AS claimed`);
  return use?.["claimed"] === true;
}

/**
 * Migrates, and sees that the database belongs to the keys that the server has.
 * @param owner 32 bytes, a hash of these keys: stored at first, compared ever since.
 * @param versions by default all that there are.
 * @param unfinished whether a database may be that is being filled.
 * @throws StorageError `data_folder_foreign` when a newer version of Sotto wrote it, or a server with other keys; `data_unfinished`;
 *   `unavailable`.
 */
export async function migrate(
  connections: Connections,
  owner: Uint8Array,
  { versions = MIGRATIONS.length, unfinished = false } = {},
): Promise<void> {
  await connections.script(async (run) => {
    await run(`SELECT pg_advisory_xact_lock(${migrationLock})`);
    await run(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    await run(
      "CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const [row] = await run("SELECT coalesce(max(version), 0) AS done FROM migrations");
    const done = row?.["done"] as number;
    if (done > MIGRATIONS.length) {
      throw foreign(
        `was written by a newer version of Sotto (schema ${done}; this one knows ${MIGRATIONS.length})`,
      );
    }
    for (const [index, sql] of MIGRATIONS.slice(0, versions).entries()) {
      if (index < done) continue;
      await run(sql);
      await run(`INSERT INTO migrations (version) VALUES (${index + 1})`);
    }
    await run(`INSERT INTO owner (hash) VALUES ('\\x${toHex(owner)}') ON CONFLICT DO NOTHING`);
    await requireMark(run, owner, unfinished);
  });
}

/**
 * Sees, without changing anything, that a database is of this version and belongs to these keys.
 * @throws StorageError `data_folder_foreign`, `data_unfinished`, `unavailable`.
 */
export async function requireOwn(run: Run, owner: Uint8Array, unfinished: boolean): Promise<void> {
  const [there] = await run("SELECT to_regclass('migrations') IS NOT NULL AS there");
  if (there?.["there"] !== true) throw foreign("holds no server's data");
  const [row] = await run("SELECT coalesce(max(version), 0) AS done FROM migrations");
  if (row?.["done"] !== MIGRATIONS.length) {
    throw foreign("was written by another version of Sotto: start the server once with this one");
  }
  await requireMark(run, owner, unfinished);
}

async function requireMark(run: Run, owner: Uint8Array, unfinished: boolean): Promise<void> {
  const [kept] = await run("SELECT hash FROM owner");
  if (kept === undefined || toHex(kept["hash"] as Uint8Array) !== toHex(owner)) {
    throw foreign("belongs to a server with other keys than those in this data folder");
  }
  if (!unfinished && (await isUnfinished(run))) throw unfinishedData();
}

function unfinishedData(): StorageError {
  return new StorageError(
    "data_unfinished",
    "the database holds a part of a server's data: moving or restoring it goes on, or was cut off",
  );
}

function foreign(why: string): StorageError {
  return new StorageError("data_folder_foreign", `the database ${why}`);
}
