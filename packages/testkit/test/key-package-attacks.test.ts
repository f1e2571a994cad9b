/** KeyPackages over real connections, and attacks on them: draining, hoarding, asking for strangers', wrong bytes. */
import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { nodeProvider } from "@sotto/crypto/node";
import { DeviceSchema, LIMITS, type DeviceId } from "@sotto/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HonestPair, type Person, type RawClient, TestServer } from "../src/attack.ts";

const provider = nodeProvider();
const xwing = 0x0053;
let server: TestServer;
let honest: HonestPair;
let ann: Person;
let mallory: Person;

async function start(limits: object = {}): Promise<void> {
  server = await TestServer.start(provider, { limits });
  honest = await HonestPair.join(server);
  [ann, mallory] = [await server.join(), await server.join()];
}

afterEach(async () => {
  await honest.exchange();
  honest.close();
  await server.close();
});

interface Put {
  readonly keyPackages?: readonly Uint8Array[];
  readonly lastResort?: Uint8Array;
  readonly replace?: boolean;
  readonly ciphersuite?: number;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const named = (...names: string[]): Uint8Array[] => names.map((name) => bytes(name));

function put(client: RawClient, { keyPackages = [], ...given }: Put): Promise<string> {
  const request = client.request();
  client.send({
    case: "putKeyPackages",
    value: { request, ciphersuite: xwing, keyPackages: [...keyPackages], ...given },
  });
  return client.outcome(request);
}

/** Claims: the names that were handed out, or the code of the refusal. */
async function claim(
  client: RawClient,
  accountId: Uint8Array,
  over: { ciphersuite?: number; deviceIds?: Uint8Array[] } = {},
): Promise<string[] | string> {
  const request = client.request();
  client.send({ case: "claimKeyPackages", value: { request, accountId, ciphersuite: xwing, ...over } });
  return Promise.race([
    client
      .next("keyPackagesClaimed", (claimed) => claimed.request === request)
      .then(({ keyPackages }) => keyPackages.map(({ keyPackage }) => new TextDecoder().decode(keyPackage))),
    client
      .next("refused", (refused) => refused.request === request)
      .then(({ problem }) => problem?.code ?? ""),
  ]);
}

async function left(client: RawClient): Promise<{ left: number; hasLastResort: boolean }> {
  const request = client.request();
  client.send({ case: "countKeyPackages", value: { request, ciphersuite: xwing } });
  const { left, hasLastResort } = await client.next("keyPackageCount", (count) => count.request === request);
  return { left, hasLastResort };
}

const someKeyPackages = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(10)));

/** Adds a device to somebody's list; what it signs in with. */
async function addDevice(person: Person): Promise<Person> {
  const deviceKey = await provider.ed25519Generate();
  const device = randomBytes(16) as unknown as DeviceId;
  const inbox = randomBytes(16) as unknown as Person["inbox"];
  const nowSec = Math.floor(Date.now() / 1000);
  const signed = await person.nextList(nowSec, (list) => {
    list.devices.push(
      create(DeviceSchema, {
        deviceId: device,
        signatureKey: deviceKey.publicKey,
        inboxId: inbox,
        addedAtSec: BigInt(nowSec),
        inboxKey: randomBytes(32),
        sealedName: randomBytes(40),
      }),
    );
  });
  const client = await server.connect(person);
  const request = client.request();
  client.send({ case: "putDeviceList", value: { request, deviceList: signed } });
  expect(await client.outcome(request)).toBe("done");
  client.close();
  return Object.create(person, {
    device: { value: device },
    deviceKey: { value: deviceKey },
    inbox: { value: inbox },
  }) as Person;
}

async function revoke(person: Person, device: Uint8Array): Promise<string> {
  const nowSec = Math.floor(Date.now() / 1000);
  const deviceList = await person.nextList(nowSec, ({ devices }) => {
    for (const one of devices) {
      if (Buffer.compare(one.deviceId, device) === 0) one.revokedAtSec = BigInt(nowSec);
    }
  });
  const client = await server.connect(person);
  const request = client.request();
  client.send({ case: "putDeviceList", value: { request, deviceList } });
  const outcome = await client.outcome(request);
  client.close();
  return outcome;
}

describe("KeyPackages", () => {
  beforeEach(() => start());

  test("are put, counted and claimed: each once, then the last resort", async () => {
    const [owner, asker] = [await server.connect(ann), await server.connect(mallory)];
    expect(await left(owner)).toEqual({ left: 0, hasLastResort: false });
    expect(await claim(asker, ann.account)).toEqual([]);
    expect(await put(owner, { keyPackages: named("a", "b"), lastResort: bytes("last") })).toBe("done");
    expect(await left(owner)).toEqual({ left: 2, hasLastResort: true });
    expect(await claim(asker, ann.account)).toEqual(["a"]);
    expect(await claim(asker, ann.account)).toEqual(["b"]);
    expect(await claim(asker, ann.account)).toEqual(["last"]);
    expect(await claim(asker, ann.account)).toEqual(["last"]);
    expect(await left(owner)).toEqual({ left: 0, hasLastResort: true });
    expect(await claim(asker, ann.account, { ciphersuite: 1 })).toEqual([]);
    for (const client of [owner, asker]) client.close();
  });

  test("claims of one message from several people never give the same one twice", async () => {
    const owner = await server.connect(ann);
    const names = Array.from({ length: 40 }, (_, index) => `kp ${index}`);
    expect(await put(owner, { keyPackages: named(...names), lastResort: bytes("last") })).toBe("done");
    const askers = await Promise.all(
      Array.from({ length: 4 }, async () => server.connect(await server.join())),
    );
    const got = await Promise.all(
      askers.flatMap((asker) => Array.from({ length: 10 }, () => claim(asker, ann.account))),
    );
    expect(got.flat().toSorted()).toEqual(names.toSorted());
    for (const client of [owner, ...askers]) client.close();
  });

  test("a device that the list adds gets its inbox, signs in, and has KeyPackages of its own", async () => {
    const second = await addDevice(ann);
    const [owner, tablet, asker] = [
      await server.connect(ann),
      await server.connect(second),
      await server.connect(mallory),
    ];
    expect(await asker.append(second.inbox, bytes("hello tablet"))).toBe("appended");
    await tablet.attach(second.inbox);
    expect((await tablet.next("entries")).entries[0]?.body).toEqual(bytes("hello tablet"));
    await put(owner, { keyPackages: named("phone") });
    await put(tablet, { keyPackages: named("tablet 1", "tablet 2") });
    expect((await claim(asker, ann.account)).toString().split(",").toSorted()).toEqual(["phone", "tablet 1"]);
    expect(await claim(asker, ann.account, { deviceIds: [second.device] })).toEqual(["tablet 2"]);
    expect(await claim(asker, ann.account, { deviceIds: [mallory.device] })).toEqual([]);
    for (const client of [owner, tablet, asker]) client.close();
  });

  test("a revoked device's are gone at once, and those of the others stay", async () => {
    const second = await addDevice(ann);
    const [owner, tablet] = [await server.connect(ann), await server.connect(second)];
    await put(owner, { keyPackages: named("phone") });
    await put(tablet, { keyPackages: named("tablet"), lastResort: bytes("last of tablet") });
    expect(await revoke(ann, second.device)).toBe("done");
    expect((await tablet.closed).goodbye).toBe("sign_in_refused");
    const asker = await server.connect(mallory);
    expect(await claim(asker, ann.account)).toEqual(["phone"]);
    expect(await claim(asker, ann.account)).toEqual([]);
    asker.close();
  });

  test("wrong lengths and numbers are refused and change nothing", async () => {
    const [owner, asker] = [await server.connect(ann), await server.connect(mallory)];
    const large = new Uint8Array(LIMITS.maxKeyPackageBytes + 1);
    expect(await put(owner, { keyPackages: [bytes("good"), large] })).toBe("too_large");
    expect(await put(owner, { lastResort: large })).toBe("too_large");
    expect(await put(owner, { keyPackages: [bytes("good"), new Uint8Array()] })).toBe("malformed");
    for (const ciphersuite of [0, 0x1_0000]) {
      expect(await put(owner, { keyPackages: named("good"), ciphersuite })).toBe("malformed");
      expect(await claim(asker, ann.account, { ciphersuite })).toBe("malformed");
    }
    expect(await claim(asker, new Uint8Array(15))).toBe("malformed");
    expect(await claim(asker, ann.account, { deviceIds: [new Uint8Array(17)] })).toBe("malformed");
    const crowd = Array.from({ length: LIMITS.maxDevices + 1 }, () => randomBytes(16));
    expect(await claim(asker, ann.account, { deviceIds: crowd })).toBe("malformed");
    expect(await left(owner)).toEqual({ left: 0, hasLastResort: false });
    expect(await put(owner, { keyPackages: [new Uint8Array(LIMITS.maxKeyPackageBytes)] })).toBe("done");
    for (const client of [owner, asker]) client.close();
  });

  test("an unknown account answers like one that has none", async () => {
    const asker = await server.connect(mallory);
    expect(await claim(asker, randomBytes(16))).toEqual([]);
    expect(await claim(asker, ann.account)).toEqual([]);
    asker.close();
  });

  test("hoarding: a device keeps no more than its most, and frees room by replacing", async () => {
    const owner = await server.connect(ann);
    expect(await put(owner, { keyPackages: someKeyPackages(LIMITS.maxKeyPackages) })).toBe("done");
    expect(await put(owner, { keyPackages: someKeyPackages(1) })).toBe("quota_exceeded");
    expect(await put(owner, { keyPackages: someKeyPackages(LIMITS.maxKeyPackages + 1), replace: true })).toBe(
      "quota_exceeded",
    );
    expect(await left(owner)).toMatchObject({ left: LIMITS.maxKeyPackages });
    expect(await put(owner, { keyPackages: someKeyPackages(3), replace: true })).toBe("done");
    expect(await left(owner)).toMatchObject({ left: 3 });
    owner.close();
  });
});

describe("limits", () => {
  const many = { burst: 1_000, perHour: 0 };

  test("draining: beyond a few claims one asker gets last resorts, and others still get theirs", async () => {
    await start({ oneTimeClaimsPerPair: { burst: 2, perHour: 0 } });
    const owner = await server.connect(ann);
    await put(owner, { keyPackages: named("1", "2", "3", "4", "5"), lastResort: bytes("last") });
    const thief = await server.connect(mallory);
    expect(await claim(thief, ann.account)).toEqual(["1"]);
    expect(await claim(thief, ann.account)).toEqual(["2"]);
    expect(await claim(thief, ann.account)).toEqual(["last"]);
    thief.close();
    // A new connection does not help.
    const again = await server.connect(mallory);
    expect(await claim(again, ann.account)).toEqual(["last"]);
    const friend = await server.connect(await server.join());
    expect(await claim(friend, ann.account)).toEqual(["3"]);
    expect(await left(owner)).toEqual({ left: 2, hasLastResort: true });
    for (const client of [owner, again, friend]) client.close();
  });

  test("draining with many accounts: a person has a limit too, which the own devices do not feel", async () => {
    await start({ oneTimeClaimsPerTarget: { burst: 3, perHour: 0 } });
    const owner = await server.connect(ann);
    await put(owner, { keyPackages: named("1", "2", "3", "4", "5"), lastResort: bytes("last") });
    const got: unknown[] = [];
    for (let thief = 0; thief < 5; thief++) {
      const client = await server.connect(await server.join());
      got.push(...(await claim(client, ann.account)));
      client.close();
    }
    expect(got).toEqual(["1", "2", "3", "last", "last"]);
    expect(await claim(owner, ann.account)).toEqual(["4"]);
    owner.close();
  });

  test("an asker's claims are limited, whether or not anything is found", async () => {
    await start({ keyPackageClaimsPerAccount: { burst: 3, perHour: 0 }, keyPackageClaimsPerAddress: many });
    const thief = await server.connect(mallory);
    for (let n = 0; n < 3; n++) expect(await claim(thief, randomBytes(16))).toEqual([]);
    expect(await claim(thief, ann.account)).toBe("rate_limited");
    const owner = await server.connect(ann);
    expect(await claim(owner, mallory.account)).toEqual([]);
    // The own devices cost a tenth.
    for (let n = 0; n < 20; n++) expect(await claim(owner, ann.account)).toEqual([]);
    expect(await claim(owner, ann.account)).toBe("rate_limited");
    for (const client of [owner, thief]) client.close();
  });

  test("claims are limited by network address", async () => {
    await start({ keyPackageClaimsPerAddress: { burst: 2, perHour: 0 }, keyPackageClaimsPerAccount: many });
    const answers: unknown[] = [];
    for (const person of [ann, mallory, ann]) {
      const client = await server.connect(person);
      answers.push(await claim(client, randomBytes(16)));
      client.close();
    }
    expect(answers).toEqual([[], [], "rate_limited"]);
  });

  test("putting is limited in number and in bytes", async () => {
    await start({ keyPackagePutsPerAccount: { burst: 2, perHour: 0 } });
    const owner = await server.connect(ann);
    for (const outcome of ["done", "done", "quota_exceeded"]) {
      expect(await put(owner, { keyPackages: named("x"), replace: true })).toBe(outcome);
    }
    owner.close();
  });

  test("the bytes of KeyPackages come from the same allowance as those of entries", async () => {
    await start({ appendedBytesPerAccount: { burst: 10_000, perHour: 0 } });
    const owner = await server.connect(ann);
    expect(await put(owner, { keyPackages: [new Uint8Array(9_000).fill(1)] })).toBe("done");
    expect(await put(owner, { keyPackages: [new Uint8Array(2_000).fill(1)] })).toBe("quota_exceeded");
    expect(await owner.append(mallory.inbox, new Uint8Array(2_000))).toBe("quota_exceeded");
    expect(await owner.append(mallory.inbox, new Uint8Array(500))).toBe("appended");
    owner.close();
  });

  test("a flood of claims on one connection is cut to what may be under way, and what it took goes out", async () => {
    await start();
    const [owner, asker] = [await server.connect(ann), await server.connect(mallory)];
    await put(owner, { lastResort: bytes("last") });
    const frames = Array.from({ length: 1_000 }, (_, index) => ({
      case: "claimKeyPackages" as const,
      value: { request: 10_000 + index, accountId: ann.account, ciphersuite: xwing },
    }));
    asker.send(...frames);
    const outcomes = await Promise.all(frames.map(({ value }) => asker.outcome(value.request)));
    expect(outcomes.filter((outcome) => outcome === "keyPackagesClaimed").length).toBe(32);
    expect(outcomes.filter((outcome) => outcome === "rate_limited").length).toBe(968);
    expect(await claim(asker, ann.account)).toEqual(["last"]);
    for (const client of [owner, asker]) client.close();
  });
});

test("nothing at rest tells who claimed", async () => {
  await start();
  const [owner, asker] = [await server.connect(ann), await server.connect(mallory)];
  await put(owner, { keyPackages: named("a"), lastResort: bytes("last") });
  const before = server.storedBytes();
  const trace = (dump: Buffer) => count(dump, mallory.account) + count(dump, mallory.device);
  await claim(asker, ann.account);
  await claim(asker, ann.account);
  for (const client of [owner, asker]) client.close();
  expect(trace(server.storedBytes())).toBe(trace(before));
});

function count(dump: Buffer, needle: Uint8Array): number {
  let found = 0;
  for (let at = dump.indexOf(needle); at >= 0; at = dump.indexOf(needle, at + 1)) found++;
  return found;
}
