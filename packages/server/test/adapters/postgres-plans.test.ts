/**
 * Reads the plans of the statements of the hot paths, as the store's own connections prepare them: a statement about one log touches one
 * partition of each table, and no plan reads a table from end to end.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EntryKind, logId, slotId } from "@sotto/protocol";
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { bytesArray, numbersArray } from "../../src/adapters/postgres/binary.ts";
import { sessionOptions } from "../../src/adapters/postgres/connections.ts";
import { SQL } from "../../src/adapters/postgres/log-statements.ts";
import { StoreDatabase } from "../support/postgres.ts";

const nowSec = 1_800_000_000;
const hash = new Uint8Array(32);
const log = logId(new Uint8Array(16).fill(3));
const slot = slotId(new Uint8Array(16).fill(4));

let postgres: TestPostgres;
let database: StoreDatabase;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  database = await StoreDatabase.create(postgres);
  const store = await database.open();
  const append = { type: "append", log, epoch: 0, body: new Uint8Array(10), nowSec } as const;
  await store.commit([
    { type: "create-log", log, epoch: 0, tokenHash: hash, nowSec },
    { type: "open-slot", log, slot, epoch: 0, tokenHash: hash, afterSeq: 0, nowSec },
    { ...append, kind: EntryKind.MESSAGE, tokenHash: hash, nextTokenHash: undefined },
    { ...append, kind: EntryKind.COMMIT, tokenHash: hash, nextTokenHash: hash },
    { ...append, epoch: 1, kind: EntryKind.MESSAGE, tokenHash: hash, nextTokenHash: undefined },
  ]);
  await store.close();
});
afterAll(() => postgres.stop());

const logs = bytesArray("uuid", [log]);
const slots = bytesArray("uuid", [slot]);
const one = (n: number): Buffer => numbersArray([n]);
const change = [logs, one(3), one(1), one(1), bytesArray("bytea", [hash]), one(2), one(0)];

/** What each statement of a batch and of a reader is given. */
const values: Readonly<Record<keyof typeof SQL, readonly unknown[]>> = {
  lockLogs: [logs],
  namedSlots: [logs, slots],
  otherSlots: [logs, bytesArray("uuid", [])],
  endedEpochs: [logs, one(0)],
  entrySizes: [logs, one(2)],
  insertLogs: [bytesArray("uuid", [new Uint8Array(16).fill(9)]), ...change.slice(1), one(nowSec)],
  updateLogs: change,
  trimLogs: change,
  insertEntries: [logs, one(99), one(1), one(1), one(nowSec), bytesArray("bytea", [hash])],
  insertEpochs: [logs, one(7), bytesArray("bytea", [hash]), one(1), one(2)],
  insertSlots: [logs, bytesArray("uuid", [new Uint8Array(16).fill(5)]), one(1), one(nowSec)],
  updateSlots: [logs, slots, one(1), one(nowSec)],
  deleteSlots: [logs, slots],
  readLog: [Buffer.from(log)],
  readHeads: [logs],
  readEpoch: [Buffer.from(log), 0],
  readCursor: [Buffer.from(log), Buffer.from(slot)],
  readInboxCursor: [Buffer.from(log)],
  readEntries: [Buffer.from(log), 0, 10, 10, 1_000],
};

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Loops"?: number;
  readonly Plans?: readonly Plan[];
}

const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)];

/** Runs a statement as the store does, and undoes it. */
function explain(name: keyof typeof SQL): Promise<Plan[]> {
  return withClient(
    database.url,
    async (client) => {
      await client.query("BEGIN");
      const text = `EXPLAIN (ANALYZE, FORMAT JSON) ${SQL[name].text}`;
      const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(text, [...values[name]]);
      await client.query("ROLLBACK");
      return flatten(rows[0]!["QUERY PLAN"][0].Plan);
    },
    sessionOptions,
  );
}

describe("one log touches one partition", () => {
  test.each(Object.keys(SQL) as (keyof typeof SQL)[])("%s", async (name) => {
    const plan = await explain(name);
    const scans = plan.filter(
      (node) => node["Relation Name"] !== undefined && node["Node Type"] !== "ModifyTable",
    );
    const run = scans.filter((node) => (node["Actual Loops"] ?? 0) > 0);
    const touched = run.map((node) => node["Relation Name"] as string);
    for (const table of ["logs", "epochs", "slots", "entries"]) {
      const partitions = new Set(touched.filter((relation) => relation.startsWith(`${table}_`)));
      expect(partitions.size, `${table}: ${[...partitions].join(" ")}`).toBeLessThanOrEqual(1);
    }
    expect(run.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
    expect(touched.length > 0 || name.startsWith("insert"), "it finds something").toBe(true);
  });
});
