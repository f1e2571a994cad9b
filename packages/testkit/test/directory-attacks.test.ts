/** Attacks on the directory: scraping it, learning more from what is not found, publishing lists that are not one's own. */
import { randomBytes } from "node:crypto";
import { signDeviceList } from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { type DeviceList, SignedDeviceListSchema, parseDeviceList } from "@sotto/protocol";
import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { HonestPair, type Person, RawClient, TestServer } from "../src/attack.ts";

const provider = nodeProvider();
let server: TestServer;
let honest: HonestPair;

async function start(limits: object = {}): Promise<void> {
  server = await TestServer.start(provider, { limits });
  honest = await HonestPair.join(server);
}

afterEach(async () => {
  await honest.exchange();
  honest.close();
  await server.close();
});

type Subject = { case: "identifier"; value: string } | { case: "accountId"; value: Uint8Array };
const byIdentifier = (value: string): Subject => ({ case: "identifier", value });
const byAccount = (value: Uint8Array): Subject => ({ case: "accountId", value });

/** Looks somebody up: "found", "not found", or the code of the refusal. */
async function lookup(client: RawClient, subject: Subject): Promise<string> {
  const request = client.request();
  client.send({ case: "lookup", value: { request, subject } });
  const found = client.next("lookupResult", (result) => result.request === request);
  const refused = client.next("refused", (refusal) => refusal.request === request);
  found.catch(() => undefined);
  refused.catch(() => undefined);
  return Promise.race([
    found.then((result) => (result.found ? "found" : "not found")),
    refused.then(({ problem }) => problem?.code ?? ""),
  ]);
}

const three = { burst: 3, perHour: 0 };
const many = { burst: 1_000, perHour: 0 };

describe("scraping the directory", () => {
  test("by identifier: an account has a limit, and what is not found counts as what is", async () => {
    await start({ lookupsPerAccount: three, lookupsPerAddress: many });
    const [ann, mallory] = [await server.join(), await server.join()];
    const client = await server.connect(mallory);
    expect(await lookup(client, byIdentifier(ann.identifier))).toBe("found");
    expect(await lookup(client, byIdentifier("+15559990001"))).toBe("not found");
    expect(await lookup(client, byIdentifier("+15559990002"))).toBe("not found");
    expect(await lookup(client, byIdentifier("+15559990003"))).toBe("rate_limited");
    expect(await lookup(client, byIdentifier(ann.identifier))).toBe("rate_limited");
    client.close();
    // A new connection does not help.
    const again = await server.connect(mallory);
    expect(await lookup(again, byIdentifier(ann.identifier))).toBe("rate_limited");
    again.close();
    // Nobody else is hurt.
    const other = await server.connect(ann);
    expect(await lookup(other, byIdentifier(mallory.identifier))).toBe("found");
    other.close();
  });

  test("with many accounts from one address: the address has a limit too", async () => {
    await start({ lookupsPerAccount: many, lookupsPerAddress: three });
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) {
      const client = await server.connect(await server.join());
      answers.push(await lookup(client, byIdentifier(`+1555999000${i}`)));
      client.close();
    }
    expect(answers).toEqual(["not found", "not found", "not found", "rate_limited"]);
  });

  test("by account id: has limits of its own", async () => {
    await start({ accountLookupsPerAccount: three, lookupsPerAccount: three });
    const mallory = await server.join();
    const client = await server.connect(mallory);
    const answers: string[] = [];
    for (let i = 0; i < 4; i++)
      answers.push(await lookup(client, byAccount(new Uint8Array(randomBytes(16)))));
    expect(answers).toEqual(["not found", "not found", "not found", "rate_limited"]);
    expect(await lookup(client, byIdentifier(mallory.identifier))).toBe("found");
    client.close();
  });

  test("a flood of lookups in one message: no more are answered than the limit allows", async () => {
    await start({ lookupsPerAccount: three });
    const client = await server.connect(await server.join());
    client.send(
      ...Array.from({ length: 500 }, (_, i) => ({
        case: "lookup" as const,
        value: { request: i + 1, subject: byIdentifier(`+1555999${String(i).padStart(4, "0")}`) },
      })),
    );
    const outcomes: string[] = [];
    for (let i = 1; i <= 500; i++) outcomes.push(await client.outcome(i));
    expect(outcomes.filter((outcome) => outcome === "lookupResult").length).toBe(3);
    expect(new Set(outcomes)).toEqual(new Set(["lookupResult", "rate_limited"]));
    client.close();
  });

  test("nobody who is not signed in may ask at all", async () => {
    await start();
    const client = await RawClient.connect(server.facts.origin);
    client.send({ case: "lookup", value: { request: 1, subject: byIdentifier("+15551230001") } });
    expect((await client.closed).goodbye).toBe("not_signed_in");
  });

  test("what is not found tells nothing but that: no account, no lists, no version", async () => {
    await start();
    const client = await server.connect(await server.join());
    const request = client.request();
    client.send({
      case: "lookup",
      value: { request, subject: byIdentifier("+15559990001"), fromVersion: 5n },
    });
    const result = await client.next("lookupResult");
    expect(result).toMatchObject({ found: false, lists: [], newestVersion: 0n });
    expect(result.accountId.length).toBe(0);
    client.close();
  });

  test("identifiers that are none are refused, and count", async () => {
    await start({ lookupsPerAccount: three });
    const client = await server.connect(await server.join());
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) answers.push(await lookup(client, byIdentifier(`nonsense ${i}`)));
    expect(answers).toEqual([
      "identifier_invalid",
      "identifier_invalid",
      "identifier_invalid",
      "rate_limited",
    ]);
    client.close();
  });
});

/** Publishes as somebody: "done" or the code of the refusal. */
async function publish(
  as: Person,
  list: Uint8Array,
  signature: Uint8Array,
  second?: Uint8Array,
): Promise<string> {
  const client = await server.connect(as);
  const request = client.request();
  const deviceList = create(SignedDeviceListSchema, {
    list,
    signature,
    newIdentitySignature: second ?? new Uint8Array(),
  });
  client.send({ case: "putDeviceList", value: { request, deviceList } });
  const outcome = await client.outcome(request);
  client.close();
  return outcome;
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

describe("publishing a device list", () => {
  test("of somebody else, rightly signed by them: refused", async () => {
    await start();
    const [ann, mallory] = [await server.join(), await server.join()];
    const stolen = await ann.nextList(
      nowSec(),
      (list) => (list.devices[0]!.revokedAtSec = list.createdAtSec),
    );
    expect(await publish(mallory, stolen.list, stolen.signature)).toBe("device_list_invalid");
    (await server.connect(ann)).close();
  });

  test("signed by the device key or by a stranger, not by the identity: refused", async () => {
    await start();
    const owner = await server.join();
    const { list } = await owner.nextList(nowSec(), () => undefined);
    const parsed = parseDeviceList(list);
    const stranger = await provider.ed25519Generate();
    for (const { privateKey } of [owner.deviceKey, stranger]) {
      const forged = await signDeviceList(provider, parsed, privateKey);
      expect(await publish(owner, forged.list, forged.signature)).toBe("device_list_invalid");
    }
  });

  test("with another identity key that only the new key signed: refused", async () => {
    await start();
    const owner = await server.join();
    const stranger = await provider.ed25519Generate();
    const { list } = await owner.nextList(nowSec(), (next) => (next.identityKey = stranger.publicKey));
    const parsed = parseDeviceList(list);
    const forged = await signDeviceList(provider, parsed, stranger.privateKey, stranger.privateKey);
    expect(await publish(owner, forged.list, forged.signature, forged.newIdentitySignature)).toBe(
      "device_list_invalid",
    );
    const half = await signDeviceList(provider, parsed, owner.identity.privateKey);
    expect(await publish(owner, half.list, half.signature)).toBe("device_list_invalid");
  });

  test("twice the same version, or one left out: the first wins, the others learn the newest version", async () => {
    await start();
    const owner = await server.join();
    const first = await owner.nextList(nowSec(), () => undefined);
    expect(await publish(owner, first.list, first.signature)).toBe("done");
    expect(await publish(owner, first.list, first.signature)).toBe("version_conflict");
    await owner.nextList(nowSec(), () => undefined);
    const skipped = await owner.nextList(nowSec(), () => undefined);
    expect(await publish(owner, skipped.list, skipped.signature)).toBe("version_conflict");
  });

  test("that takes somebody else's inbox: refused, and the inbox stays theirs", async () => {
    await start();
    const [ann, mallory] = [await server.join(), await server.join()];
    const greedy = await mallory.nextList(nowSec(), (list: DeviceList) => {
      const [own] = list.devices;
      list.devices.push({
        ...own!,
        deviceId: new Uint8Array(randomBytes(16)),
        signatureKey: new Uint8Array(randomBytes(32)),
        inboxId: ann.inbox,
        classicKeys: [],
        addedAtSec: list.createdAtSec,
      });
    });
    expect(await publish(mallory, greedy.list, greedy.signature)).toBe("log_exists");
    const owner = await server.connect(ann);
    await owner.attach(ann.inbox);
    owner.close();
  });

  test("dated far in the future: refused, so that nobody uses up an account's time", async () => {
    await start();
    const owner = await server.join();
    const late = await owner.nextList(nowSec() + 10 * 86_400, () => undefined);
    expect(await publish(owner, late.list, late.signature)).toBe("device_list_invalid");
  });

  test("again and again: an account has a limit", async () => {
    await start({ deviceListsPerAccount: three });
    const owner = await server.join();
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) {
      const next = await owner.nextList(nowSec(), () => undefined);
      answers.push(await publish(owner, next.list, next.signature));
    }
    expect(answers).toEqual(["done", "done", "done", "rate_limited"]);
  });
});
