/** Several nodes on one PostgreSQL database at once, and what becomes of commits when it goes away. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { EntryKind, accountId, deviceId, logId, slotId } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { StoreAway, type Store, type StoreOperation } from "../../src/core/store.ts";
import { sessionOptions } from "../../src/adapters/postgres/connections.ts";
import { openPostgresStore } from "../../src/adapters/postgres/store.ts";
import { StoreDatabase, testOwner } from "../support/postgres.ts";

const nowSec = 1_800_000_000;
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const talks = [1, 2, 3, 4].map((n) => logId(id(n)));

let postgres: TestPostgres;
let database: StoreDatabase;
let nodes: Store[];

beforeAll(async () => {
  postgres = await TestPostgres.start({ durable: true, settings: { wal_writer_delay: "10s" } });
  database = await StoreDatabase.create(postgres);
});
beforeEach(async () => {
  await database.empty();
  nodes = await Promise.all([database.open(), database.open(), database.open()]);
  await nodes[0]!.commit(
    talks.map((log) => ({ type: "create-log", log, epoch: 0, tokenHash: hash(0), nowSec }) as const),
  );
  return async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
});
afterAll(() => postgres.stop());

function append(log = talks[0]!, text = "", epoch = 0, commits = false): StoreOperation {
  return {
    type: "append",
    log,
    tokenHash: hash(epoch),
    epoch,
    kind: commits ? EntryKind.COMMIT : EntryKind.MESSAGE,
    body: Buffer.from(text),
    nextTokenHash: commits ? hash(epoch + 1) : undefined,
    nowSec,
  };
}

const account = (n: number, identifier: number) => ({
  identifierHash: hash(identifier),
  change: {
    account: accountId(id(n)),
    version: 1,
    signedList: id(n),
    devices: [{ device: deviceId(id(n)), signatureKey: hash(n), inbox: logId(id(100 + n)), revoked: false }],
    nowSec,
  },
});

/** A node whose connections to the database all pass a network; both go with the test. */
async function openThrough(network: Server): Promise<Store> {
  network.listen(0, "127.0.0.1");
  await once(network, "listening");
  onTestFinished(() => void network.close());
  const url = new URL(database.url);
  url.searchParams.delete("host");
  url.port = String((network.address() as AddressInfo).port);
  const node = await openPostgresStore({ url: url.href, owner: testOwner });
  onTestFinished(() => node.close());
  return node;
}

describe("several nodes", () => {
  test("number a log's entries without gaps, and a reader never passes over one that comes later", async () => {
    const random = new SeededRandom(11);
    const told = talks.map(() => new Map<number, string>());
    let done = false;
    /** Reads as a live reader does: on from the newest that it has. */
    const read = async (node: Store, log: number): Promise<string[]> => {
      const seen: string[] = [];
      for (let last = false; ; last = done) {
        const entries = await node.readEntries(talks[log]!, seen.length, 100_000, 64, 1_000_000);
        for (const { seq, body } of entries) {
          expect(seq).toBe(seen.length + 1);
          seen.push(Buffer.from(body).toString());
        }
        if (last && entries.length === 0) return seen;
      }
    };
    const readers = talks.map((_, log) => read(nodes[log % nodes.length]!, log));
    const write = async (node: Store, name: string): Promise<void> => {
      for (let n = 0; n < 25; n++) {
        // Batches that name the same logs in another order would wait for each other, were they not sorted.
        const batch = Array.from({ length: 12 }, (_, i) => ({
          log: random.integer(talks.length),
          text: `${name} ${n} ${i}`,
        }));
        const results = await node.commit(batch.map(({ log, text }) => append(talks[log], text)));
        for (const [i, { log, text }] of batch.entries()) {
          const result = results[i]!;
          if (!result.ok) throw new Error(result.code);
          expect(told[log]!.has(result.seq)).toBe(false);
          told[log]!.set(result.seq, text);
        }
      }
    };
    await Promise.all([0, 1, 2, 0, 1, 2].map((node, writer) => write(nodes[node]!, `${writer}`)));
    done = true;
    for (const [log, reader] of readers.entries()) {
      const seen = await reader;
      expect(seen).toEqual([...told[log]!].sort(([a], [b]) => a - b).map(([, text]) => text));
    }
  });

  test("take one Commit for each epoch", async () => {
    for (let epoch = 0; epoch < 5; epoch++) {
      const commits = nodes.flatMap((node) =>
        [0, 1].map(() => node.commit([append(talks[0], "", epoch, true)])),
      );
      const results = (await Promise.all(commits)).flat();
      const winner = results.find(({ ok }) => ok) as { seq: number };
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      const refused = { ok: false, code: "epoch_ended", winnerSeq: winner.seq, current: epoch + 1 };
      expect(results.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 5 }, () => refused));
    }
  });

  test("make one log of an id, one account of an identifier, one list of a version", async () => {
    const made: StoreOperation = {
      type: "create-log",
      log: logId(id(9)),
      epoch: 0,
      tokenHash: hash(0),
      nowSec,
    };
    const logs = await Promise.all(nodes.map(async (node) => (await node.commit([made]))[0]!.ok));
    expect(logs.sort()).toEqual([false, false, true]);
    const created = await Promise.all(
      nodes.map((node, n) => {
        const { identifierHash, change } = account(20 + n, 50);
        return node.createAccount(identifierHash, change, undefined);
      }),
    );
    expect(created.sort()).toEqual(["created", "identifier_taken", "identifier_taken"]);
    expect(await nodes[0]!.countAccounts()).toBe(1);
    const owner = (await nodes[1]!.accountByIdentifier(hash(50)))!.account;
    const next = { account: owner, version: 2, signedList: id(1), devices: [], nowSec };
    const lists = await Promise.all(nodes.map((node) => node.putDeviceList(next)));
    expect(lists.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("hold the number of accounts and the bytes of blobs together", async () => {
    const created = await Promise.all(
      Array.from({ length: 9 }, (_, n) => {
        const { identifierHash, change } = account(20 + n, 50 + n);
        return nodes[n % 3]!.createAccount(identifierHash, change, 4);
      }),
    );
    expect(created.filter((outcome) => outcome === "created")).toHaveLength(4);
    const blobs = await Promise.all(
      Array.from({ length: 9 }, (_, n) =>
        nodes[n % 3]!.createBlob(
          { id: hash(n), writeHash: hash(n), size: 30, received: 0, storedAtSec: nowSec },
          100,
        ),
      ),
    );
    expect(blobs.filter((outcome) => outcome === "created")).toHaveLength(3);
    expect(await nodes[0]!.blobStats()).toEqual({ blobs: 3, bytes: 90 });
  });

  test("hand out each KeyPackage once", async () => {
    const { identifierHash, change } = account(20, 50);
    await nodes[0]!.createAccount(identifierHash, change, undefined);
    const keyPackages = Array.from({ length: 30 }, (_, n) => Uint8Array.of(n));
    const owner = { account: change.account, device: deviceId(id(20)), ciphersuite: 1 };
    await nodes[0]!.putKeyPackages({ ...owner, keyPackages, lastResort: undefined, replace: false });
    const claim = {
      account: change.account,
      ciphersuite: 1,
      devices: undefined,
      oneTime: true,
      maxBytes: 1_000,
    };
    const claims = Array.from({ length: 30 }, (_, n) => nodes[n % 3]!.claimKeyPackages([claim]));
    const handedOut = (await Promise.all(claims)).flat(2).map(({ keyPackage }) => keyPackage[0]!);
    expect(handedOut.sort((a, b) => a - b)).toEqual(keyPackages.map(([n]) => n));
  });

  test("wait for one that stands still in the midst of a commit no longer than their patience", async () => {
    await withClient(
      database.url,
      async (client) => {
        client.on("error", () => undefined);
        await client.query("BEGIN");
        await client.query("SELECT 1 FROM logs WHERE log_id = $1 FOR UPDATE", [Buffer.from(talks[0]!)]);
        const other = await nodes[1]!.commit([append(talks[0]), append(talks[1])]);
        expect(other).toMatchObject([{ ok: true }, { ok: true }]);
        await expect(client.query("COMMIT")).rejects.toThrow(/not queryable|terminat/);
      },
      sessionOptions,
    );
  });

  test("sweep what is past its time while others append and ack", async () => {
    const slot = slotId(id(7));
    await nodes[0]!.commit([
      { type: "open-slot", log: talks[1]!, slot, tokenHash: hash(0), epoch: 0, afterSeq: 0, nowSec },
      ...talks.map((log) => append(log)),
    ]);
    const appends = Array.from({ length: 20 }, (_, n) =>
      nodes[n % 2]!.commit([
        { ...append(talks[0]), nowSec: nowSec + 10 } as StoreOperation,
        append(talks[1]),
      ]),
    );
    const sweeps = [0, 1, 2].map(() => nodes[2]!.expire(nowSec + 1, 1_000));
    await Promise.all([...appends, ...sweeps]);
    const left = await nodes[1]!.readEntries(talks[0]!, 0, 100, 100, 10_000);
    const state = (await nodes[1]!.readLog(talks[0]!))!;
    expect(left.map(({ seq }) => seq)).toEqual(
      Array.from({ length: state.headSeq - state.trimmedSeq }, (_, n) => state.trimmedSeq + n + 1),
    );
  });
});

describe("a database that goes away", () => {
  test("refuses at once, is found again, and did nothing that was not told", async () => {
    const [node] = nodes as [Store];
    expect(await node.commit([append()])).toEqual([{ ok: true, seq: 1 }]);
    await postgres.end("SIGKILL");
    await expect(node.commit([append()])).rejects.toThrow(StoreAway);
    const startMs = performance.now();
    for (let n = 0; n < 200; n++) await expect(node.readLog(talks[0]!)).rejects.toThrow(StoreAway);
    expect(performance.now() - startMs, "nobody waits for what is away").toBeLessThan(2_000);
    await postgres.launch();
    await expect.poll(() => node.commit([append()]).catch(() => undefined)).toEqual([{ ok: true, seq: 2 }]);
    expect(await nodes[1]!.readEntries(talks[0]!, 0, 10, 10, 1_000).catch(() => [])).toHaveLength(2);
  });

  test("is asked what became of a commit that it broke off: nothing", async () => {
    const [node] = nodes as [Store];
    await withClient(database.url, async (client) => {
      // Runs within COMMIT, and so holds it up.
      await client.query(`
        CREATE FUNCTION sotto.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sotto.entries DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION sotto.slow()`);
      const commit = node.commit([append()]);
      const committing = "FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";
      await expect.poll(async () => (await client.query(`SELECT 1 ${committing}`)).rowCount).toBe(1);
      await client.query(`SELECT pg_terminate_backend(pid) ${committing}`);
      await expect(commit).rejects.toThrow(StoreAway);
      await client.query("DROP TRIGGER slow ON sotto.entries; DROP FUNCTION sotto.slow");
    });
    expect((await nodes[1]!.readLog(talks[0]!))?.headSeq).toBe(0);
    expect(await node.commit([append()])).toEqual([{ ok: true, seq: 1 }]);
  });

  test("is asked what became of a commit whose answer got lost: it happened", async () => {
    let cuts = 0;
    // Between node and database: swallows the answer to the first COMMIT of an append, and breaks the connection.
    const network = createServer((near) => {
      const far = connect(postgres.port, "127.0.0.1");
      let committing = false;
      near.on("data", (data: Buffer) => {
        committing ||= cuts === 0 && data.includes("insertEntries") && data.includes("COMMIT");
        far.write(data);
      });
      far.on("data", (data: Buffer) => {
        if (!committing || !data.includes("COMMIT")) near.write(data);
        else if (cuts++ === 0) near.destroy();
      });
      for (const [from, to] of [[near, far] as const, [far, near] as const]) {
        from.on("error", () => undefined).on("close", () => to.destroy());
      }
    });
    const node = await openThrough(network);
    expect(await node.commit([append()])).toEqual([{ ok: true, seq: 1 }]);
    expect(cuts).toBe(1);
    expect(await node.readEntries(talks[0]!, 0, 10, 10, 1_000)).toHaveLength(1);
  });

  test("which crashed, and gave the number of a commit that it lost to another, is not believed", async () => {
    let lost: (() => void) | undefined;
    // Between node and database: keeps the first COMMIT of an append, and the connection to the node when the database is gone.
    const network = createServer((near) => {
      const far = connect(postgres.port, "127.0.0.1");
      let keeping = false;
      near.on("data", (data: Buffer) => {
        keeping ||= lost === undefined && data.includes("insertEntries");
        if (!keeping) far.write(data);
        else lost ??= () => void near.destroy();
      });
      far.on("data", (data: Buffer) => near.write(data));
      near.on("error", () => undefined).on("close", () => far.destroy());
      far.on("error", () => undefined).on("close", () => keeping || near.destroy());
    });
    const node = await openThrough(network);
    const outcome = node.commit([append()]).catch((error: unknown) => error);
    await expect.poll(() => lost).toBeDefined();
    await postgres.end("SIGKILL");
    await postgres.launch();
    // Others get the numbers that nobody remembers.
    await expect.poll(() => nodes[1]!.commit([append(talks[1])]).catch(() => undefined)).toHaveLength(1);
    for (let n = 0; n < 20; n++) await nodes[1]!.commit([append(talks[1])]);
    lost?.();
    expect(await outcome).toBeInstanceOf(StoreAway);
    expect((await nodes[1]!.readLog(talks[0]!))?.headSeq).toBe(0);
  });
});
