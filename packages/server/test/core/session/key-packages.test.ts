/** KeyPackages through a session in memory: large answers, many at once, and a store that fails. */
import { randomBytes } from "node:crypto";
import { LIMITS, StorageError, accountId, deviceId, logId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { expect, test, vi } from "vitest";
import { TestNode, type TestPerson } from "./node.ts";

const ciphersuite = 1;

/** Gives somebody all the devices that an account may have, each with a last resort. */
async function manyDevices(person: TestPerson, keyPackageBytes: number): Promise<void> {
  const { store } = person.node;
  const account = accountId(person.account.list.accountId);
  const added = Array.from({ length: LIMITS.maxDevices - 1 }, () => deviceId(randomBytes(16)));
  const devices = added.map((device) => ({
    device,
    signatureKey: randomBytes(32),
    inbox: logId(randomBytes(16)),
    revoked: false,
  }));
  const change = { account, version: 2, signedList: randomBytes(10), devices, nowSec: 1_800_000_000 };
  expect(await store.putDeviceList(change)).toEqual({ ok: true });
  for (const device of [deviceId(person.account.list.devices[0]!.deviceId), ...added]) {
    const lastResort = randomBytes(keyPackageBytes);
    const put = { account, device, ciphersuite, keyPackages: [], lastResort, replace: false };
    expect(await store.putKeyPackages(put)).toBe("stored");
  }
}

const claim = (request: number, person: TestPerson, deviceIds: Uint8Array[] = []) => ({
  case: "claimKeyPackages" as const,
  value: { request, accountId: person.account.list.accountId, ciphersuite, deviceIds },
});

test("answers about many devices are shared out over messages that can be decoded", async () => {
  const node = new TestNode();
  const [ann, ben] = [await node.person(), await node.person()];
  await manyDevices(ann, 10);
  const connection = await ben.online();
  for (let round = 0; round < 3; round++) {
    connection.send(...Array.from({ length: 32 }, (_, n) => claim(1 + round * 32 + n, ann)));
    await settle();
  }
  const answers = connection.all("keyPackagesClaimed");
  expect(answers.map(({ request }) => request)).toEqual(Array.from({ length: 96 }, (_, n) => n + 1));
  expect(answers.every(({ keyPackages }) => keyPackages.length === LIMITS.maxDevices)).toBe(true);
});

test("devices whose KeyPackages do not fit into one answer come with another claim", async () => {
  const node = new TestNode();
  const [ann, ben] = [await node.person(), await node.person()];
  await manyDevices(ann, LIMITS.maxKeyPackageBytes);
  const connection = await ben.online();
  connection.send(claim(1, ann));
  await settle();
  const first = connection.all("keyPackagesClaimed")[0]!.keyPackages;
  expect(first.length).toBe(LIMITS.maxClaimedBytes / LIMITS.maxKeyPackageBytes);
  const got = new Set(first.map((claimed) => Buffer.from(claimed.deviceId).toString("hex")));
  const devices = (await node.store.claimKeyPackages([allOf(ann)])).flat().map(({ device }) => device);
  const missing = devices.filter((device) => !got.has(Buffer.from(device).toString("hex")));
  connection.send(claim(2, ann, missing.slice(0, 3)));
  await settle();
  const second = connection.all("keyPackagesClaimed")[1]!.keyPackages;
  expect(second.map((claimed) => Buffer.from(claimed.deviceId).toString("hex")).toSorted()).toEqual(
    missing
      .slice(0, 3)
      .map((device) => Buffer.from(device).toString("hex"))
      .toSorted(),
  );
});

const allOf = (person: TestPerson) => ({
  account: accountId(person.account.list.accountId),
  ciphersuite,
  devices: undefined,
  oneTime: false,
  maxBytes: Number.MAX_SAFE_INTEGER,
});

test("a store that fails is told as unavailable, and later claims work", async () => {
  const node = new TestNode();
  const [ann, ben] = [await node.person(), await node.person()];
  await manyDevices(ann, 10);
  const connection = await ben.online();
  const failing = vi
    .spyOn(node.store, "claimKeyPackages")
    .mockRejectedValueOnce(new StorageError("unavailable", "the disk is full"));
  connection.send(claim(1, ann), claim(2, ann));
  await settle();
  // Both were in the transaction that failed.
  expect([connection.outcome(1), connection.outcome(2)]).toEqual(["unavailable", "unavailable"]);
  expect(node.failures.length).toBe(2);
  connection.send(claim(3, ann));
  await settle();
  expect(connection.all("keyPackagesClaimed").map(({ request }) => request)).toEqual([3]);
  expect(failing.mock.calls.map(([claims]) => claims.length)).toEqual([2, 1]);
});
