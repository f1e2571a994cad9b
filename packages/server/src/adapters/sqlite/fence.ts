/**
 * The fence around a database whose data moves elsewhere: while it stands nothing can be written, by whichever process, since the database
 * itself refuses. It is a lease, so that a mover that dies leaves a server that goes on by itself; or for ever, once the data has moved.
 *
 * Whether anybody wrote since the fence was put up is asked of SQLite itself (PRAGMA data_version), in the very transaction that makes it last.
 */
import { randomInt } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "@sotto/protocol";
import { TABLES } from "../../backup/tables.ts";
import { inTransaction } from "./transaction.ts";

/** How long the fence stands when nobody renews it, in seconds, and how often it is renewed. */
const leaseSec = 10;
const renewEveryMs = 2_000;

const lasting = `
  CREATE TABLE IF NOT EXISTS moving (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder INTEGER NOT NULL,
    until_sec INTEGER NOT NULL,
    moved_to TEXT
  ) STRICT;
  INSERT OR IGNORE INTO moving VALUES (1, 0, 0, NULL);
`;
/** Not longer than a lease is: a clock that was set back must not make a dead mover's fence stand for as long. */
const stands = `SELECT moved_to IS NOT NULL OR until_sec BETWEEN unixepoch() + 1 AND unixepoch() + ${leaseSec} FROM moving`;
const refusal = "the data is moving";
const triggers = TABLES.flatMap(({ name }) =>
  ["INSERT", "UPDATE", "DELETE"].map((change) => ({
    name: `moving_${name}_${change.toLowerCase()}`,
    on: `BEFORE ${change} ON ${name} WHEN (${stands}) BEGIN SELECT RAISE(ABORT, '${refusal}'); END`,
  })),
);

/** Whether a fence refused a write: it refuses all of them. */
export function isFenced(error: unknown): boolean {
  return error instanceof Error && error.message === refusal;
}

/** Where the data of a database went; undefined when it is here. */
export function readMovedTo(database: DatabaseSync): string | undefined {
  const row = isThere(database) ? database.prepare("SELECT moved_to FROM moving").get() : undefined;
  return (row?.["moved_to"] as string | null | undefined) ?? undefined;
}

/** Takes away a fence that nobody holds any more, and what is left of one: it costs a look with every write. */
export function removeLapsedFence(database: DatabaseSync): void {
  const parts = database.prepare("SELECT 1 FROM sqlite_schema WHERE name GLOB 'moving*' LIMIT 1");
  // In one transaction with the look: another mover may put one up in the same moment.
  if (parts.get() !== undefined) inTransaction(database, () => dropLapsed(database));
}

function dropLapsed(database: DatabaseSync): void {
  if (isThere(database) && isStanding(database)) return;
  for (const { name } of triggers) database.exec(`DROP TRIGGER IF EXISTS ${name}`);
  database.exec("DROP TABLE IF EXISTS moving");
}

function isStanding(database: DatabaseSync): boolean {
  return Object.values(database.prepare(stands).get() ?? {})[0] === 1;
}

function isThere(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'moving'").get() !== undefined;
}

/** A fence that stands. Made by raiseFence. */
export interface Fence {
  /**
   * Makes it last for ever, if nobody has written since it was put up. False: somebody has, and nothing was done.
   * @param to tells people where the data is; no secrets.
   */
  makeLasting(to: string): boolean;
  /** Takes it away, unless it lasts. */
  lower(): void;
}

/** Puts the fence up. @throws StorageError `data_folder_locked` when another mover holds it; `data_moved`. */
export function raiseFence(path: string): Fence {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  const holder = randomInt(1, 2 ** 48 - 1);
  let lasts = false;
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearInterval(timer);
    if (database.isOpen) database.close();
  };
  try {
    inTransaction(database, () => {
      database.exec(lasting);
      if (isStanding(database))
        throw new StorageError("data_folder_locked", "another process is moving this data, or has moved it");
      for (const { name, on } of triggers) database.exec(`CREATE TRIGGER IF NOT EXISTS ${name} ${on}`);
      database.prepare("UPDATE moving SET holder = ?, until_sec = unixepoch() + ?").run(holder, leaseSec);
    });
    const version = dataVersion(database);
    const renew = database.prepare(
      "UPDATE moving SET until_sec = unixepoch() + ? WHERE holder = ? AND until_sec > unixepoch() AND moved_to IS NULL",
    );
    timer = setInterval(() => {
      try {
        renew.run(leaseSec, holder);
      } catch {
        // Should it lapse, makeLasting finds out whether that mattered.
      }
    }, renewEveryMs);
    return {
      makeLasting(to) {
        lasts = inTransaction(database, () => {
          // A server that started after it had lapsed took it away.
          const isMine =
            isThere(database) &&
            database.prepare("SELECT holder = ? AS mine FROM moving").get(holder)?.["mine"] === 1;
          if (!isMine || dataVersion(database) !== version) return false;
          database.prepare("UPDATE moving SET moved_to = ?").run(to);
          return true;
        });
        return lasts;
      },
      lower() {
        try {
          if (!lasts) {
            inTransaction(database, () => {
              if (!isThere(database)) return;
              database.prepare("UPDATE moving SET until_sec = 0 WHERE holder = ?").run(holder);
              dropLapsed(database);
            });
          }
        } finally {
          close();
        }
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Changes when another connection has committed something, and only then. */
function dataVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA data_version").get()?.["data_version"]);
}
