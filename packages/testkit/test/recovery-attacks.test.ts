/** Recovery and reset over real connections, and attacks on them: without the code, the key, the ticket or the patience. */
import { randomBytes } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type SealedMethod, signDeviceList } from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import {
  DeviceSchema,
  FinishRecoveryPayloadSchema,
  FinishRecoveryResultSchema,
  LIMITS,
  ReadListsPayloadSchema,
  ReadListsResultSchema,
  RecoverPayloadSchema,
  RecoverResultSchema,
  ResetPayloadSchema,
  ResetResultSchema,
  type DeviceId,
  type LogId,
  type RecoverResult,
  type SignedDeviceList,
} from "@sotto/protocol";
import { afterEach, describe, expect, test } from "vitest";
import {
  HonestPair,
  Person,
  RawClient,
  TestServer,
  callSealed,
  register,
  requestCode,
} from "../src/attack.ts";

const provider = nodeProvider();
const delaySec = 3_600;
let server: TestServer;
let honest: HonestPair;
let ann: Person;
let nowMs: number;

async function start(config: object = {}): Promise<void> {
  nowMs = Date.now();
  const all = { resetDelaySec: delaySec, ...config };
  server = await TestServer.start(provider, all, { nowMs: () => nowMs });
  honest = await HonestPair.join(server);
  ann = await server.join();
}

afterEach(async () => {
  nowMs = Date.now();
  await honest.exchange();
  honest.close();
  await server.close();
});

async function newCode(identifier = ann.identifier, forExisting = true): Promise<string> {
  expect(await requestCode(provider, server.facts, identifier, forExisting)).toBe("ok");
  return server.code(identifier);
}

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

function call<Payload extends DescMessage, Result extends DescMessage>(
  method: SealedMethod,
  schema: Payload,
  value: MessageInitShape<Payload>,
  result: Result,
): Promise<MessageShape<Result> | string> {
  return callSealed(provider, server.facts, method, { schema, value }, result);
}
const recover = (identifier: string, code: string) =>
  call("Recover", RecoverPayloadSchema, { identifier, code }, RecoverResultSchema);
const finish = async (ticket: Uint8Array, deviceList: SignedDeviceList | undefined): Promise<string> => {
  const value = { ticket, ...(deviceList && { deviceList }) };
  const result = await call("FinishRecovery", FinishRecoveryPayloadSchema, value, FinishRecoveryResultSchema);
  return typeof result === "string" ? result : "ok";
};
const reset = async (code: string, person: Person, identifier = ann.identifier) => {
  const deviceList = person.lists[0];
  const value = { identifier, code, ...(deviceList && { deviceList }) };
  return call("Reset", ResetPayloadSchema, value, ResetResultSchema);
};

/** Recovers, which must succeed. */
async function recovered(): Promise<RecoverResult> {
  const result = await recover(ann.identifier, await newCode());
  if (typeof result === "string") throw new Error(result);
  return result;
}

async function putBackup(person: Person, sealed: Uint8Array): Promise<string> {
  const client = await server.connect(person);
  const request = client.request();
  client.send({ case: "putRecovery", value: { request, sealed } });
  const outcome = await client.outcome(request);
  client.close();
  return outcome;
}

/** The next list of somebody whose devices are lost: with a new device, and the others revoked. */
async function listOfRecovery(person: Person): Promise<{ signed: SignedDeviceList; device: Person }> {
  const deviceKey = await provider.ed25519Generate();
  const [device, inbox] = [randomBytes(16), randomBytes(16)] as Uint8Array[] as [DeviceId, LogId];
  const signed = await person.nextList(Math.floor(nowMs / 1000), ({ devices, createdAtSec }) => {
    for (const lost of devices) lost.revokedAtSec ||= createdAtSec;
    devices.push(
      create(DeviceSchema, {
        deviceId: device,
        signatureKey: deviceKey.publicKey,
        inboxId: inbox,
        addedAtSec: createdAtSec,
      }),
    );
  });
  const values = { device: { value: device }, deviceKey: { value: deviceKey }, inbox: { value: inbox } };
  return { signed, device: Object.create(person, values) as Person };
}

const somebody = (identifier = ann.identifier) => Person.make(provider, identifier, Math.floor(nowMs / 1000));

/** Signs in: what SignedIn says of a reset, or why it is refused. */
async function signIn(person: Person): Promise<{ client: RawClient; resetAtSec: number } | string> {
  const client = await RawClient.connect(server.facts.origin);
  await client.hello(provider.randomBytes(32));
  const { account, device, deviceKey } = person;
  const { fingerprint } = server.facts;
  await client.signInAs(provider, { account, device, privateKey: deviceKey.privateKey, fingerprint });
  const first = await Promise.race([client.next("signedIn"), client.closed]);
  if (!("resetAtSec" in first)) return first.goodbye ?? "closed";
  return { client, resetAtSec: Number(first.resetAtSec) };
}
async function signedIn(person: Person): Promise<{ client: RawClient; resetAtSec: number }> {
  const result = await signIn(person);
  if (typeof result === "string") throw new Error(result);
  return result;
}

async function lookup(client: RawClient, accountId: Uint8Array): Promise<boolean> {
  const request = client.request();
  client.send({ case: "lookup", value: { request, subject: { case: "accountId", value: accountId } } });
  return (await client.next("lookupResult", (result) => result.request === request)).found;
}

describe("recovery", () => {
  test("gives the backup and the lists to who has the identifier, and takes the list with the new device", async () => {
    await start();
    const backup = new Uint8Array(randomBytes(LIMITS.maxRecoveryBytes));
    expect(await putBackup(ann, new Uint8Array(randomBytes(100)))).toBe("done");
    expect(await putBackup(ann, backup)).toBe("done");
    const result = await recovered();
    expect(result).toMatchObject({ accountId: ann.account, newestVersion: 1n, expiresInSec: 900 });
    expect(Buffer.compare(result.backup, backup)).toBe(0);
    expect(result.lists.map(({ list }) => list)).toEqual([ann.lists[0]?.list]);

    const lost = await server.connect(ann);
    const { signed, device } = await listOfRecovery(ann);
    expect(await finish(result.ticket, signed)).toBe("ok");
    // The same again, since an answer may be lost.
    expect(await finish(result.ticket, signed)).toBe("ok");
    expect((await lost.closed).goodbye).toBe("sign_in_refused");
    expect(await signIn(ann)).toBe("sign_in_refused");
    const client = await server.connect(device);
    await client.attach(device.inbox);
    expect(await client.append(device.inbox, randomBytes(3))).toBe("appended");
    client.close();
  });

  test("an account without a backup gives its lists, and those that do not fit are asked for", async () => {
    await start();
    const client = await server.connect(ann);
    for (let version = 2; version <= LIMITS.maxListsPerLookup + 3; version++) {
      if (version % 50 === 0) nowMs += 3_600_000;
      const deviceList = await ann.nextList(Math.floor(nowMs / 1000), () => undefined);
      const request = client.request();
      client.send({ case: "putDeviceList", value: { request, deviceList } });
      expect(await client.outcome(request)).toBe("done");
    }
    client.close();
    const result = await recovered();
    expect(result.backup.length).toBe(0);
    expect(result.lists.length).toBe(LIMITS.maxListsPerLookup);
    const fromVersion = BigInt(result.lists.length + 1);
    const rest = await call(
      "ReadLists",
      ReadListsPayloadSchema,
      { ticket: result.ticket, fromVersion },
      ReadListsResultSchema,
    );
    if (typeof rest === "string") throw new Error(rest);
    expect(rest).toMatchObject({ newestVersion: BigInt(LIMITS.maxListsPerLookup + 3) });
    expect([...result.lists, ...rest.lists].map(({ list }) => list)).toEqual(
      ann.lists.map(({ list }) => list),
    );
    const forged = { ticket: randomBytes(32), fromVersion: 1n };
    expect(await call("ReadLists", ReadListsPayloadSchema, forged, ReadListsResultSchema)).toBe(
      "ticket_refused",
    );
  });

  test("without the right code nothing is told, whether or not there is an account", async () => {
    await start();
    await putBackup(ann, randomBytes(10));
    expect(await recover(ann.identifier, "000000")).toBe("code_refused");
    expect(await recover("+15559990001", "000000")).toBe("code_refused");
    const code = await newCode();
    for (let tries = 0; tries < LIMITS.codeTries; tries++) {
      expect(await recover(ann.identifier, wrong(code))).toBe("code_refused");
    }
    expect(await recover(ann.identifier, code)).toBe("code_refused");
    expect(await recover("nonsense", code)).toBe("identifier_invalid");
    // With a right code of an identifier that has no account, that is told.
    expect(await recover("+15559990001", await newCode("+15559990001"))).toBe("account_unknown");
  });

  test("a code is used up for one purpose; the same request may come again", async () => {
    await start();
    const code = await newCode();
    const first = await recover(ann.identifier, code);
    const again = await recover(ann.identifier, code);
    if (typeof first === "string" || typeof again === "string") throw new Error("refused");
    expect(await reset(code, await somebody())).toBe("code_refused");
    expect(await register(provider, server.facts, await somebody(), code)).toBe("code_refused");
    // The newer ticket ended the older one.
    const { signed } = await listOfRecovery(ann);
    expect(await finish(first.ticket, signed)).toBe("ticket_refused");
    expect(await finish(again.ticket, signed)).toBe("ok");
  });

  test("a ticket without the identity key changes nothing", async () => {
    await start();
    const { ticket } = await recovered();
    const thief = await provider.ed25519Generate();
    const verified = (await ann.verifiedList()).list;
    const forged = await signDeviceList(
      provider,
      { ...verified, version: 2n, previousHash: await provider.sha256(ann.lists[0]?.list ?? randomBytes(1)) },
      thief.privateKey,
    );
    expect(await finish(ticket, forged)).toBe("device_list_invalid");
    expect(await finish(ticket, (await somebody()).lists[0])).toBe("device_list_invalid");
    expect(await finish(ticket, undefined)).toBe("malformed");
    const { client } = await signedIn(ann);
    client.close();
  });

  test("a ticket is good for a quarter of an hour, and for its account only", async () => {
    await start();
    const ben = await server.join();
    const { ticket } = await recovered();
    const { signed } = await listOfRecovery(ben);
    expect(await finish(ticket, signed)).toBe("device_list_invalid");
    expect(await finish(randomBytes(32), (await listOfRecovery(ann)).signed)).toBe("ticket_refused");
    nowMs += LIMITS.recoveryTicketSec * 1000;
    expect(await finish(ticket, ann.lists[1])).toBe("ticket_refused");
  });

  test("a list that came first is told, and the ticket takes the next one", async () => {
    await start();
    const { ticket } = await recovered();
    const client = await server.connect(ann);
    const deviceList = await ann.nextList(Math.floor(nowMs / 1000), () => undefined);
    const stale = ann.lists.pop();
    const { signed } = await listOfRecovery(ann);
    ann.lists.pop();
    if (stale !== undefined) ann.lists.push(stale);
    const request = client.request();
    client.send({ case: "putDeviceList", value: { request, deviceList } });
    expect(await client.outcome(request)).toBe("done");
    expect(await finish(ticket, signed)).toBe("version_conflict");
    expect(await finish(ticket, (await listOfRecovery(ann)).signed)).toBe("ok");
    expect((await client.closed).goodbye).toBe("sign_in_refused");
  });

  test("backups have their length, and an account's allowance", async () => {
    await start({ limits: { recoveryPutsPerAccount: { burst: 2, perHour: 0 } } });
    expect(await putBackup(ann, new Uint8Array(LIMITS.maxRecoveryBytes + 1))).toBe("too_large");
    expect(await putBackup(ann, randomBytes(1))).toBe("done");
    expect(await putBackup(ann, randomBytes(1))).toBe("quota_exceeded");
    const ben = await server.join();
    expect(await putBackup(ben, new Uint8Array())).toBe("malformed");
  });

  test("a full server sends codes for recovery, and none to register with", async () => {
    await start({ maxUsers: 3 });
    expect(await requestCode(provider, server.facts, "+15559990001")).toBe("server_full");
    expect(await recovered()).toMatchObject({ accountId: ann.account });
    const code = await newCode("+15559990001");
    expect(await register(provider, server.facts, await somebody("+15559990001"), code)).toBe("server_full");
  });
});

describe("reset", () => {
  test("waits, is told to every device, and then puts the new account in the place of the old one", async () => {
    await start();
    const { client, resetAtSec } = await signedIn(ann);
    expect(resetAtSec).toBe(0);
    await putKeyPackage(client);
    const heir = await somebody();
    const dueSec = Math.floor(nowMs / 1000) + delaySec;
    const state = { done: false, resetAtSec: BigInt(dueSec) };
    const lapsesAtSec = BigInt(dueSec + LIMITS.resetWindowSec);
    expect(await reset(await newCode(), heir)).toMatchObject({ ...state, lapsesAtSec });
    expect(Number((await client.next("resetChanged")).resetAtSec)).toBe(dueSec);
    // Asking again neither hurries nor delays it.
    nowMs += (delaySec - 1) * 1000;
    expect(await reset(await newCode(), heir)).toMatchObject(state);
    client.close();
    const again = await signedIn(ann);
    expect(again.resetAtSec).toBe(dueSec);

    nowMs += 1000;
    const code = await newCode();
    expect(await reset(code, heir)).toMatchObject({ done: true });
    expect(await reset(code, heir)).toMatchObject({ done: true });
    expect((await again.client.closed).goodbye).toBe("sign_in_refused");
    expect(await signIn(ann)).toBe("sign_in_refused");
    const now = await signedIn(heir);
    expect(now.resetAtSec).toBe(0);
    expect(await now.client.append(ann.inbox, randomBytes(3))).toBe("log_refused");
    expect(await lookup(now.client, ann.account)).toBe(false);
    expect(await lookup(now.client, heir.account)).toBe(true);
    expect(await now.client.append(heir.inbox, randomBytes(3))).toBe("appended");
    now.client.close();
    // A later Reset with the same list finds it done, and begins no new delay.
    expect(await reset(await newCode(), heir)).toMatchObject({ done: true });
  });

  test("any device ends it, and it begins anew with its whole delay", async () => {
    await start();
    const heir = await somebody();
    await reset(await newCode(), heir);
    const { client, resetAtSec } = await signedIn(ann);
    expect(resetAtSec).toBe(Math.floor(nowMs / 1000) + delaySec);
    for (let n = 0; n < 2; n++) {
      const request = client.request();
      client.send({ case: "cancelReset", value: { request } });
      expect(await client.outcome(request)).toBe("done");
    }
    expect((await client.next("resetChanged")).resetAtSec).toBe(0n);
    nowMs += delaySec * 1000;
    const dueSec = BigInt(Math.floor(nowMs / 1000) + delaySec);
    expect(await reset(await newCode(), heir)).toMatchObject({ done: false, resetAtSec: dueSec });
    expect((await client.next("resetChanged")).resetAtSec).toBe(dueSec);
    client.close();
  });

  test("nobody resets without the code, and a code of before the delay does not finish it", async () => {
    await start({ resetDelaySec: 300 });
    const heir = await somebody();
    expect(await reset("000000", heir)).toBe("code_refused");
    const code = await newCode();
    expect(await reset(wrong(code), heir)).toBe("code_refused");
    expect(await reset(code, heir)).toMatchObject({ done: false });
    expect(await reset(code, await somebody())).toBe("code_refused");
    nowMs += (LIMITS.codeLifetimeSec + 1) * 1000;
    expect(await reset(code, heir)).toBe("code_refused");
    const { client } = await signedIn(ann);
    client.close();
    expect(await reset(await newCode("+15559990001"), heir, "+15559990001")).toBe("account_unknown");
  });

  test("a reset that nobody finished in its time is void", async () => {
    await start();
    const heir = await somebody();
    await reset(await newCode(), heir);
    nowMs += (delaySec + LIMITS.resetWindowSec) * 1000;
    expect((await signedIn(ann)).resetAtSec).toBe(0);
    expect(await reset(await newCode(), heir)).toMatchObject({ done: false });
    expect((await signedIn(ann)).resetAtSec).toBe(Math.floor(nowMs / 1000) + delaySec);
  });

  test("wrong lists are refused before a code is used", async () => {
    await start({ resetDelaySec: 0 });
    const code = await newCode();
    const heir = await somebody();
    heir.lists[0] = { ...ann.lists[0], signature: randomBytes(64) } as SignedDeviceList;
    expect(await reset(code, heir)).toBe("device_list_invalid");
    heir.lists.length = 0;
    expect(await reset(code, heir)).toBe("malformed");
    // The old account's own list does not count as a new account.
    const same = Object.assign(await somebody(), {});
    same.lists[0] = ann.lists[0] as SignedDeviceList;
    expect(await reset(code, same)).toMatchObject({ done: true });
    const { client } = await signedIn(ann);
    client.close();
  });

  test("the new account takes nobody's ids", async () => {
    await start({ resetDelaySec: 0 });
    const heir = await somebody();
    expect(await reset(await newCode(), heir)).toMatchObject({ done: false });
    const ben = await server.join();
    const thief = await somebody();
    thief.lists[0] = ben.lists[0] as SignedDeviceList;
    expect(await reset(await newCode(), thief)).toBe("log_exists");
    const { client } = await signedIn(ann);
    expect(await reset(await newCode(), heir)).toMatchObject({ done: true });
    expect((await client.closed).goodbye).toBe("sign_in_refused");
    // The old one cannot come back by registering its ids.
    const code = await newCode("+15559990002", false);
    expect(await register(provider, server.facts, ann, code, "+15559990002")).toBe("log_exists");
  });

  test("a recovery ticket of the old account is worthless after the reset", async () => {
    await start({ resetDelaySec: 0 });
    await putBackup(ann, randomBytes(10));
    const { ticket } = await recovered();
    const heir = await somebody();
    await reset(await newCode(), heir);
    expect(await reset(await newCode(), heir)).toMatchObject({ done: true });
    expect(await finish(ticket, (await listOfRecovery(ann)).signed)).toBe("ticket_refused");
    expect(await recovered()).toMatchObject({ accountId: heir.account, backup: new Uint8Array() });
  });
});

async function putKeyPackage(client: RawClient): Promise<void> {
  const request = client.request();
  client.send({ case: "putKeyPackages", value: { request, ciphersuite: 1, keyPackages: [randomBytes(9)] } });
  expect(await client.outcome(request)).toBe("done");
}
