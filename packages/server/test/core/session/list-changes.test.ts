/** Who is told that a device list changed, and how much of that is remembered; then the same through sessions in memory. */
import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { DeviceListSchema, accountId, deviceId, toHex, type AccountId } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { expect, test } from "vitest";
import { ListChanges, type ListWatcher } from "../../../src/core/session/list-changes.ts";
import { SessionRegistry } from "../../../src/core/session/registry.ts";
import { nextList } from "../../support/account.ts";
import { TestNode } from "./node.ts";

const newAccountId = (): AccountId => accountId(randomBytes(16));
const version = (account: AccountId, number: number, revoked: Uint8Array[] = []) =>
  create(DeviceListSchema, {
    accountId: account,
    version: BigInt(number),
    devices: revoked.map((device) => ({ deviceId: device, revokedAtSec: 5n })),
  });

/** Notes what it is told. */
function watcher() {
  const told: string[] = [];
  const ended: string[] = [];
  return {
    told,
    ended,
    listChanged: (account: AccountId, newest: number) =>
      void told.push(`${toHex(account).slice(0, 4)} ${newest}`),
    end: (code: string) => void ended.push(code),
    resetChanged: () => undefined,
    accountDeleted: () => undefined,
  };
}
const about = (account: AccountId, newest: number): string => `${toHex(account).slice(0, 4)} ${newest}`;

test("those are told who looked the list up, and the account's own devices; not the publisher, and nobody else", () => {
  const registry = new SessionRegistry();
  const lists = new ListChanges(registry);
  const [ann, ben] = [newAccountId(), newAccountId()];
  const [laptop, phone, reader, other] = [watcher(), watcher(), watcher(), watcher()];
  registry.add(ann, deviceId(randomBytes(16)), laptop);
  registry.add(ann, deviceId(randomBytes(16)), phone);
  lists.watch(reader, ann, 1);
  lists.watch(other, ben, 1);
  lists.published(ann, version(ann, 2), laptop);
  expect([laptop, phone, reader, other].map(({ told }) => told)).toEqual([
    [],
    [about(ann, 2)],
    [about(ann, 2)],
    [],
  ]);
  lists.gone(ann);
  expect(reader.told).toEqual([about(ann, 2), about(ann, 0)]);
});

test("a list that changed while it was being read is told at once", () => {
  const lists = new ListChanges(new SessionRegistry());
  const ann = newAccountId();
  lists.published(ann, version(ann, 3));
  const [late, intime] = [watcher(), watcher()];
  lists.watch(late, ann, 2);
  lists.watch(intime, ann, 3);
  expect([late.told, intime.told]).toEqual([[about(ann, 3)], []]);
});

test("devices that a list revokes are sent away", () => {
  const registry = new SessionRegistry();
  const lists = new ListChanges(registry);
  const [ann, lost, kept] = [newAccountId(), deviceId(randomBytes(16)), deviceId(randomBytes(16))];
  const [phone, laptop] = [watcher(), watcher()];
  registry.add(ann, lost, phone);
  registry.add(ann, kept, laptop);
  lists.published(ann, version(ann, 2, [lost]));
  expect([phone.ended, laptop.ended]).toEqual([["sign_in_refused"], []]);
});

test("what is remembered is bounded, for a connection and in all, and goes with the connection", () => {
  const lists = new ListChanges(new SessionRegistry(), { perWatcher: 3, inAll: 5, recent: 2 });
  const accounts = Array.from({ length: 4 }, newAccountId);
  const [one, two] = [watcher(), watcher()];
  for (const account of accounts) lists.watch(one, account, 1);
  // Asked for again: it is not forgotten next.
  lists.watch(one, accounts[1]!, 1);
  lists.watch(one, accounts[0]!, 1);
  expect(lists.size).toBe(3);
  for (const account of accounts) lists.published(account, version(account, 2));
  expect(one.told).toEqual([0, 1, 3].map((n) => about(accounts[n]!, 2)));
  for (const account of accounts.slice(0, 3)) lists.watch(two, account, 2);
  expect(lists.size).toBe(5);
  lists.forget(one);
  expect(lists.size).toBe(2);
  lists.watch(two, accounts[3]!, 2);
  lists.forget(two);
  expect(lists.size).toBe(0);
  // Of changes the newest two are remembered.
  const late: ListWatcher & { told: string[] } = watcher();
  for (const account of accounts) lists.watch(late, account, 1);
  expect(late.told).toEqual([2, 3].map((n) => about(accounts[n]!, 2)));
});

test("over connections: who looked somebody up hears of the next version; after the connection broke, nothing", async () => {
  const node = new TestNode();
  const [ann, ben, cleo] = [await node.person(), await node.person(), await node.person()];
  const [anns, bens, cleos] = [await ann.online(), await ben.online(), await cleo.online()];
  const subject = { case: "accountId", value: ann.account.list.accountId } as const;
  for (const connection of [bens, cleos]) {
    connection.send({ case: "lookup", value: { request: 1, subject } });
  }
  await settle();
  cleos.session.disconnected();
  const deviceList = nextList(ann.account).signed;
  anns.send({ case: "putDeviceList", value: { request: 2, deviceList } });
  await settle();
  expect(anns.all("done")).toHaveLength(1);
  expect(bens.all("deviceListChanged")).toMatchObject([
    { accountId: ann.account.list.accountId, newestVersion: 2n },
  ]);
  expect(anns.all("deviceListChanged")).toEqual([]);
  expect(cleos.all("deviceListChanged")).toEqual([]);
});
