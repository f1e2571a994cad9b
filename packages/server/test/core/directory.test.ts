/** Lookups and publishing, on a real store. */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  LookupSchema,
  PutDeviceListSchema,
  SignedDeviceListSchema,
  SottoError,
  accountId,
  deviceId,
  parseDeviceList,
  type LookupResult,
  type SignedDeviceList,
} from "@sotto/protocol";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { checkConfig } from "../../src/config.ts";
import { verifyFirstList } from "../../src/core/device-lists.ts";
import type { FrontEvents } from "../../src/core/events.ts";
import { Directory, type DirectoryLimits } from "../../src/core/directory.ts";
import type { Asker } from "../../src/core/session/ports.ts";
import type { Store } from "../../src/core/store.ts";
import { newAccount, nextList, rsaPublicKey, type TestAccount } from "../support/account.ts";

const nowSec = 1_800_000_000;
const ann = "+15551230001";

interface Setup {
  readonly directory: Directory;
  readonly store: Store;
  /** Calls of the store, in order. */
  readonly reads: string[];
  readonly outcomes: string[];
  readonly clock: { nowMs: number };
  add(identifier: string, account: TestAccount): Promise<Asker>;
}

function setUp(changes: Partial<DirectoryLimits> = {}): Setup {
  const reads: string[] = [];
  const outcomes: string[] = [];
  const clock = { nowMs: nowSec * 1000 };
  const real = openSqliteStore({ path: ":memory:", nowSec });
  onTestFinished(() => real.close());
  const store = new Proxy<Store>(real, {
    get(target, name) {
      const value = target[name as keyof Store];
      return (...args: unknown[]) => {
        reads.push(String(name));
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const { limits } = checkConfig({});
  const events = {
    lookupAnswered: (subject: string, outcome: string) => outcomes.push(`${subject} ${outcome}`),
    listPublished: (outcome: string) => outcomes.push(`list ${outcome}`),
  } as unknown as FrontEvents;
  const directory = new Directory({
    store,
    crypto: nodeCrypto,
    events,
    nowMs: () => clock.nowMs,
    identifierKey: new Uint8Array(32).fill(5),
    limits: {
      identifiersPerAccount: limits.lookupsPerAccount,
      identifiersPerAddress: limits.lookupsPerAddress,
      accountsPerAccount: limits.accountLookupsPerAccount,
      accountsPerAddress: limits.accountLookupsPerAddress,
      listsPerAccount: limits.deviceListsPerAccount,
      ...changes,
    },
  });
  return {
    directory,
    store,
    reads,
    outcomes,
    clock,
    async add(identifier, account) {
      const change = verifyFirstList(account.signed, nodeCrypto, nowSec);
      await store.createAccount(directory.hashIdentifier(identifier), change, undefined);
      const device = deviceId(account.list.devices[0]!.deviceId);
      return { account: accountId(account.list.accountId), device, address: "192.0.2.1" };
    },
  };
}

const lookup = (subject: MessageInitShape<typeof LookupSchema>["subject"], fromVersion = 0n) =>
  create(LookupSchema, { request: 7, subject: subject!, fromVersion });
const byName = (value: string, fromVersion = 0n) => lookup({ case: "identifier", value }, fromVersion);
const byId = (value: Uint8Array, fromVersion = 0n) => lookup({ case: "accountId", value }, fromVersion);
const put = (deviceList?: SignedDeviceList) =>
  create(PutDeviceListSchema, { request: 8, ...(deviceList && { deviceList }) });

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
  return "ok";
}

const versionsOf = (result: LookupResult): number[] =>
  result.lists.map(({ list }) => Number(parseDeviceList(list).version));

describe("lookup", () => {
  test("finds by identifier and by account id, in every way of writing", async () => {
    const { directory, add } = setUp();
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    for (const question of [byName(ann), byName("+1 (555) 123-0001"), byId(account.list.accountId)]) {
      const result = await directory.lookup(asker, question);
      expect(result).toMatchObject({ request: 7, found: true, newestVersion: 1n });
      expect(result.accountId).toEqual(account.list.accountId);
      expect(result.lists).toEqual([account.signed]);
    }
  });

  test("a miss reads, counts and answers like a hit, up to its answer", async () => {
    const { directory, add, reads, outcomes } = setUp();
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    const work = async (question: ReturnType<typeof byName>): Promise<string[]> => {
      reads.length = 0;
      await directory.lookup(asker, question);
      return [...reads];
    };
    expect(await work(byName("ben@example.org"))).toEqual(await work(byName(ann)));
    expect(await work(byId(new Uint8Array(16)))).toEqual(await work(byId(account.list.accountId)));
    expect(await directory.lookup(asker, byName("ben@example.org"))).toMatchObject({
      request: 7,
      found: false,
      lists: [],
      newestVersion: 0n,
    });
    expect(new Set(outcomes)).toEqual(new Set(["identifier ok", "account ok"]));
  });

  test("is refused when it names nobody or nonsense", async () => {
    const { directory, add } = setUp();
    const asker = await add(ann, newAccount(nowSec));
    expect(await codeOf(directory.lookup(asker, lookup({ case: undefined })))).toBe("malformed");
    expect(await codeOf(directory.lookup(asker, byName("nonsense")))).toBe("identifier_invalid");
    expect(await codeOf(directory.lookup(asker, byId(new Uint8Array(15))))).toBe("malformed");
  });

  test("is limited per account and per address, hit or miss", async () => {
    const { directory, add, clock } = setUp({
      identifiersPerAccount: { burst: 4, perHour: 360 },
      identifiersPerAddress: { burst: 6, perHour: 360 },
      accountsPerAccount: { burst: 1, perHour: 60 },
    });
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    const other = await add("ben@example.org", newAccount(nowSec));
    for (let i = 0; i < 2; i++) {
      expect(await codeOf(directory.lookup(asker, byName(ann)))).toBe("ok");
      expect(await codeOf(directory.lookup(asker, byName(`+1555123100${i}`)))).toBe("ok");
    }
    await expect(directory.lookup(asker, byName(ann))).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterMs: 10_000,
    });
    // Another account at the same address has what the address has left.
    expect(await codeOf(directory.lookup(other, byName(ann)))).toBe("ok");
    expect(await codeOf(directory.lookup(other, byName(ann)))).toBe("ok");
    expect(await codeOf(directory.lookup(other, byName(ann)))).toBe("rate_limited");
    expect(await codeOf(directory.lookup({ ...other, address: "192.0.2.2" }, byName(ann)))).toBe("ok");
    // Account ids have a limit of their own.
    expect(await codeOf(directory.lookup(asker, byId(account.list.accountId)))).toBe("ok");
    expect(await codeOf(directory.lookup(asker, byId(account.list.accountId)))).toBe("rate_limited");
    clock.nowMs += 10_000;
    expect(await codeOf(directory.lookup(asker, byName(ann)))).toBe("ok");
  });

  test("hands long chains out in pieces that fit, without holes", async () => {
    const { directory, add } = setUp({ listsPerAccount: { burst: 1_000, perHour: 0 } });
    let account = newAccount(nowSec);
    const asker = await add(ann, account);
    for (let version = 2; version <= 100; version++) {
      account = nextList(account, (list) => {
        // Some grow long.
        if (version > 80) {
          const keys = list.devices[0]!.classicKeys;
          keys.at(-1)!.retiredAtSec = list.createdAtSec;
          const key = {
            publicKey: rsaPublicKey(),
            addedAtSec: list.createdAtSec,
            retiredAtSec: 0n,
            revokedAtSec: 0n,
          };
          keys.push({ ...keys[0]!, ...key });
        }
      });
      await directory.putDeviceList(asker, put(account.signed));
    }
    const seen: number[] = [];
    let pieces = 0;
    while (seen.length < 100) {
      const result = await directory.lookup(asker, byName(ann, BigInt(seen.length + 1)));
      expect(result.newestVersion).toBe(100n);
      expect(result.lists.length).toBeLessThanOrEqual(64);
      seen.push(...versionsOf(result));
      pieces++;
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(pieces).toBe(2);
    expect(versionsOf(await directory.lookup(asker, byName(ann, 101n)))).toEqual([]);
  });

  test("large lists are handed out by bytes, at least one at a time", async () => {
    const { directory, add, store } = setUp();
    const asker = await add(ann, newAccount(nowSec));
    const bytes = toBinary(
      SignedDeviceListSchema,
      create(SignedDeviceListSchema, { list: new Uint8Array(200_000) }),
    );
    for (const version of [2, 3, 4, 5]) {
      await store.putDeviceList({ account: asker.account, version, signedList: bytes, devices: [], nowSec });
    }
    const result = await directory.lookup(asker, byName(ann, 2n));
    expect(result.lists.length).toBe(2);
    expect(result.newestVersion).toBe(5n);
  });
});

describe("putDeviceList", () => {
  test("takes the next version once", async () => {
    const { directory, add, outcomes } = setUp();
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    const second = nextList(account);
    expect(await codeOf(directory.putDeviceList(asker, put(second.signed)))).toBe("ok");
    await expect(directory.putDeviceList(asker, put(second.signed))).rejects.toMatchObject({
      code: "version_conflict",
      current: 2,
    });
    const fourth = nextList(nextList(second));
    await expect(directory.putDeviceList(asker, put(fourth.signed))).rejects.toMatchObject({
      code: "version_conflict",
      current: 2,
    });
    expect(outcomes).toEqual(["list ok", "list version_conflict", "list version_conflict"]);
    const result = await directory.lookup(asker, byName(ann));
    expect(result.lists).toEqual([account.signed, second.signed]);
  });

  test("two at once: one wins", async () => {
    const { directory, add } = setUp();
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    const one = nextList(account);
    const two = nextList(account, (list) => {
      list.createdAtSec += 1n;
    });
    const codes = await Promise.all(
      [one, two].map(({ signed }) => codeOf(directory.putDeviceList(asker, put(signed)))),
    );
    expect(codes.sort()).toEqual(["ok", "version_conflict"]);
  });

  test("refuses what is not the asker's, not signed, not there, or too much", async () => {
    const { directory, add } = setUp({ listsPerAccount: { burst: 4, perHour: 1 } });
    const account = newAccount(nowSec);
    const asker = await add(ann, account);
    const stranger = newAccount(nowSec);
    await add("ben@example.org", stranger);
    expect(await codeOf(directory.putDeviceList(asker, put()))).toBe("malformed");
    expect(await codeOf(directory.putDeviceList(asker, put(nextList(stranger).signed)))).toBe(
      "device_list_invalid",
    );
    const forged = { ...nextList(account).signed, signature: stranger.signed.signature };
    expect(await codeOf(directory.putDeviceList(asker, put(forged)))).toBe("device_list_invalid");
    const taken = nextList(account, (list) => {
      const device = structuredClone(list.devices[0]!);
      const { inboxId } = stranger.list.devices[0]!;
      const keys = { deviceId: inboxId, signatureKey: stranger.device.publicKey, classicKeys: [] };
      list.devices.push({ ...device, ...keys, inboxId });
    });
    expect(await codeOf(directory.putDeviceList(asker, put(taken.signed)))).toBe("log_exists");
    expect(await codeOf(directory.putDeviceList(asker, put(nextList(account).signed)))).toBe("ok");
    expect(await codeOf(directory.putDeviceList(asker, put(forged)))).toBe("rate_limited");
  });
});

test("identifiers are hashed under a key, labelled", () => {
  const { directory } = setUp();
  const hash = directory.hashIdentifier(ann);
  const label = new TextEncoder().encode(`sotto/directory/identifier/v1\0${ann}`);
  expect(hash).toEqual(nodeCrypto.hmacSha256(new Uint8Array(32).fill(5), label));
});
