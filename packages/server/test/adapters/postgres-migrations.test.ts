/** Bringing PostgreSQL databases up to date: from nothing, by several nodes at once, and from what every earlier version left. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountId, deviceId, logId, slotId } from "@sotto/protocol";
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { Connections } from "../../src/adapters/postgres/connections.ts";
import { parseDatabaseUrl } from "../../src/adapters/postgres/database-url.ts";
import { migrate } from "../../src/adapters/postgres/migrate.ts";
import { MIGRATIONS } from "../../src/adapters/postgres/schema.ts";
import { openPostgresStore } from "../../src/adapters/postgres/store.ts";
import { testOwner } from "../support/postgres.ts";

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.stop());

const versionsOf = (url: string): Promise<number[]> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ version: number }>(
      "SELECT version FROM sotto.migrations ORDER BY version",
    );
    return rows.map(({ version }) => version);
  });
const all = MIGRATIONS.map((_, index) => index + 1);

test("nodes that start at once on an empty database make one schema", async () => {
  const url = await postgres.createDatabase();
  const nodes = await Promise.all(
    Array.from({ length: 5 }, () => openPostgresStore({ url, owner: testOwner })),
  );
  expect(await versionsOf(url)).toEqual(all);
  expect(await Promise.all(nodes.map((node) => node.countAccounts()))).toEqual([0, 0, 0, 0, 0]);
  await Promise.all(nodes.map((node) => node.close()));
});

test("a database of a newer version, and one of other keys, are refused and left as they were", async () => {
  const url = await postgres.createDatabase();
  await (await openPostgresStore({ url, owner: testOwner })).close();
  await expect(openPostgresStore({ url, owner: hash(2) })).rejects.toThrow(code("data_folder_foreign"));
  await withClient(url, (client) => client.query("INSERT INTO sotto.migrations (version) VALUES (99)"));
  await expect(openPostgresStore({ url, owner: testOwner })).rejects.toThrow(code("data_folder_foreign"));
  expect(await versionsOf(url)).toEqual([...all, 99]);
});

describe.each(all)("a database of version %i", (version) => {
  const fixture = readFileSync(
    join(import.meta.dirname, `../fixtures/postgres/version-${version}.sql`),
    "utf8",
  );

  test("its schema is the one that was released", () => {
    const digest = createHash("sha256")
      .update(MIGRATIONS[version - 1]!)
      .digest("hex");
    expect(fixture).toContain(`-- schema: ${digest}\n`);
  });

  test("is brought up to date with all that it held, and goes on", async () => {
    const url = await postgres.createDatabase();
    const connections = new Connections(parseDatabaseUrl(url));
    await migrate(connections, testOwner, { versions: version });
    await connections.close();
    await withClient(url, (client) => client.query(fixture));

    const store = await openPostgresStore({ url, owner: testOwner });
    expect(await versionsOf(url)).toEqual(all);
    const [ann, phone, talk] = [accountId(id(10)), deviceId(id(11)), logId(id(40))] as const;
    expect(await store.accountByIdentifier(hash(50))).toEqual({ account: ann, newestVersion: 1 });
    expect(await store.readDevice(ann, phone)).toMatchObject({ inbox: id(12), revoked: false });
    expect(await store.countKeyPackages(ann, phone, 1)).toEqual({ left: 2, hasLastResort: true });
    expect(await store.readRecovery(ann)).toEqual(id(4));
    expect(await store.readReset(ann)).toBe(1_800_000_000);
    expect(await store.pushDevices(0, 10)).toMatchObject([{ account: ann, device: phone }]);
    expect(await store.accountById(accountId(id(20)))).toBeUndefined();
    expect((await store.accountByIdentifier(hash(51)))?.account).toEqual(id(25));
    expect(await store.readFarewell(accountId(id(30)))).toEqual(id(33));
    expect(await store.countAccounts()).toBe(2);
    expect(await store.readBlob(hash(6))).toMatchObject({ size: 100, received: 40 });
    expect(await store.blobStats()).toEqual({ blobs: 1, bytes: 100 });
    expect(await store.readLog(talk)).toMatchObject({ headSeq: 3, trimmedSeq: 1, epoch: 1 });
    expect(await store.readEpoch(talk, 0)).toEqual({ tokenHash: hash(0), startSeq: 0, endedBySeq: 2 });
    expect(await store.readCursor(talk, slotId(id(41)))).toBe(1);
    expect((await store.readEntries(talk, 0, 9, 9, 1_000)).map(({ seq }) => seq)).toEqual([2, 3]);
    // New rows find free numbers.
    const put = {
      account: ann,
      device: phone,
      ciphersuite: 1,
      keyPackages: [id(9)],
      lastResort: undefined,
      replace: false,
    };
    expect(await store.putKeyPackages(put)).toBe("stored");
    await store.close();
  });
});
