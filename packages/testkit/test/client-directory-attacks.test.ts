/**
 * A server that lies about who people are, against a whole client: substituted RSA and identity keys, devices that it added,
 * older lists, forks, somebody else's list. Nothing is encrypted to what the owner did not sign; Bob is told; the honest list
 * afterwards is taken.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { safetyNumber, signDeviceList } from "@sotto/crypto";
import {
  type DeviceList,
  DeviceListSchema,
  type LookupResult,
  type SignedDeviceList,
  accountId,
  equalBytes,
  parseDeviceList,
  parseHex,
} from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Person, lookUpList } from "../src/attack.ts";
import {
  type Scene,
  type Sender,
  aboutLookups,
  nowSec,
  provider,
  setScene,
  skipTime,
} from "./support/lied-to.ts";

let scene: Scene;
let carol: Sender;
/** Keys of the liar's own. */
let fake: Person;
/** What Bob's client appended while the liar lied. */
let appended: Uint8Array[];

beforeAll(async () => {
  scene = await setScene();
  fake = await Person.make(provider, "+15559990000", nowSec() - 100);
});

beforeEach(async () => {
  carol = await scene.person();
  appended = [];
  scene.bob.forget();
});

afterEach(() => scene.recover());

afterAll(() => scene.close());

/** Lies about Carol's lists, and notes what Bob appends meanwhile. */
function lie(change: (result: LookupResult) => LookupResult): void {
  appended = [];
  scene.liar.lie({
    down: aboutLookups((result) =>
      equalBytes(result.accountId, carol.person.account) ? change(result) : result,
    ),
    up: (told) => {
      if (told.frame.case === "append") appended.push(told.frame.value.logId);
      return [told];
    },
  });
}

/** Carol's newest list, changed and not signed again. */
function unsigned(change: (list: DeviceList) => void): SignedDeviceList {
  const newest = carol.person.lists.at(-1)!;
  const list = parseDeviceList(newest.list.slice());
  change(list);
  return { ...newest, list: toBinary(DeviceListSchema, list) };
}

/** The version after Carol's newest, changed and signed by the liar's key. */
async function forged(change: (list: DeviceList) => void, secondKey?: Uint8Array): Promise<SignedDeviceList> {
  const { list: known, hash } = await carol.person.verifiedList();
  const list = create(DeviceListSchema, { ...known, version: known.version + 1n, previousHash: hash });
  change(list);
  return signDeviceList(provider, list, fake.identity.privateKey, secondKey);
}

/** Bob knows Carol: has written to her, and pinned her list. */
async function meetCarol(): Promise<void> {
  expect(await scene.bob.sends(carol.person.identifier, "hello")).toBe("sent");
  skipTime();
}

const answer =
  (lists: SignedDeviceList[], newest = lists.length) =>
  (result: LookupResult): LookupResult => ({
    ...result,
    lists,
    newestVersion: BigInt(newest),
  });

/** Bob writes to Carol: what came of it, what was appended anywhere, what he was told, what was kept. */
async function attempt(): Promise<unknown> {
  const { bob } = scene;
  const outcome = await bob.sends(carol.person.identifier, "to Carol only");
  await bob.until("he is told", () => bob.refusals.length > 0);
  const kept = (await bob.messenger.history(carol.person.identifier)).at(-1);
  const { body, status, problem } = kept ?? {};
  return { outcome, appended: [...appended], told: bob.refusals, kept: [body, status, problem] };
}

/** An attempt that failed with this code: nothing was encrypted to anybody, he was told, what he wrote is not lost. */
const refusedWith = (code: string): unknown => ({
  outcome: code,
  appended: [],
  told: [code],
  kept: ["to Carol only", "failed", code],
});

/** The liar is honest again, and Bob writes to Carol. */
function afterwards(): Promise<string> {
  scene.liar.behave();
  skipTime();
  return scene.bob.sends(carol.person.identifier, "at last");
}

describe("the directory", () => {
  test("substitutes an RSA key: the list is not signed", async () => {
    lie(answer([unsigned((list) => (list.devices[0]!.classicKeys[0]!.publicKey = fake.rsa.publicKey))]));
    expect(await attempt()).toEqual(refusedWith("signature_invalid"));
    expect(await afterwards()).toBe("sent");
  });

  test("substitutes an RSA key of somebody known: the list was seen otherwise", async () => {
    await meetCarol();
    lie(answer([unsigned((list) => (list.devices[0]!.classicKeys[0]!.publicKey = fake.rsa.publicKey))]));
    expect(await attempt()).toEqual(refusedWith("device_list_rolled_back"));
    expect(await afterwards()).toBe("sent");
  });

  test("substitutes the identity key of somebody known: under an old version and a new one it is refused", async () => {
    await meetCarol();
    const first = await signDeviceList(
      provider,
      create(DeviceListSchema, {
        ...parseDeviceList(carol.person.lists[0]!.list),
        identityKey: fake.identity.publicKey,
      }),
      fake.identity.privateKey,
    );
    lie(answer([first]));
    expect(await attempt()).toEqual(refusedWith("device_list_rolled_back"));
    scene.bob.forget();
    const next = await forged(
      (list) => (list.identityKey = fake.identity.publicKey),
      fake.identity.privateKey,
    );
    lie(answer([carol.person.lists[0]!, next]));
    expect(await scene.bob.sends(carol.person.identifier, "still to Carol only")).toBe("signature_invalid");
    expect(appended).toEqual([]);
    const contacts = await scene.bob.messenger.contacts();
    const known = contacts.find(({ identifier }) => identifier === carol.person.identifier);
    expect(known).toMatchObject({ identityChanged: false });
    expect(await afterwards()).toBe("sent");
  });

  test("substitutes everything at first contact: the safety numbers differ, and the honest list later is told as another", async () => {
    const forgedList = create(DeviceListSchema, parseDeviceList(carol.person.lists[0]!.list));
    forgedList.identityKey = fake.identity.publicKey;
    forgedList.devices[0]!.classicKeys[0]!.publicKey = fake.rsa.publicKey;
    lie(answer([await signDeviceList(provider, forgedList, fake.identity.privateKey)]));
    const { bob } = scene;
    const shown = await bob.messenger.safetyNumber(carol.person.identifier);
    const { list } = await carol.person.verifiedList();
    const bobsList = await lookUpList(carol.client, bob.identifier);
    const carols = await safetyNumber(
      provider,
      { accountId: carol.person.account, identityKey: list.identityKey },
      { accountId: accountId(parseHex(bob.messenger.self.accountId)!), identityKey: bobsList.identityKey },
    );
    expect(shown).toMatch(/^(?:\d{5} ){11}\d{5}$/);
    expect(shown).not.toBe(carols);
    scene.liar.behave();
    skipTime();
    expect(await bob.sends(carol.person.identifier, "now the truth")).toBe("device_list_rolled_back");
    await bob.until("he is told", () => bob.refusals.length > 0);
    expect(bob.refusals).toEqual(["device_list_rolled_back"]);
  });

  test("adds a device: its owner did not sign it, and nothing is encrypted to it", async () => {
    await meetCarol();
    const added = await forged((list) => {
      list.devices.push({
        ...parseDeviceList(fake.lists[0]!.list).devices[0]!,
        addedAtSec: list.createdAtSec,
      });
    });
    lie(answer([carol.person.lists[0]!, added]));
    expect(await attempt()).toEqual(refusedWith("signature_invalid"));
    expect(await afterwards()).toBe("sent");
  });

  test("adds a device to a list that it serves as version 1: refused at first contact too", async () => {
    const device = parseDeviceList(fake.lists[0]!.list).devices[0]!;
    lie(answer([unsigned((list) => list.devices.push({ ...device, addedAtSec: list.createdAtSec }))]));
    const { bob } = scene;
    expect(["device_list_invalid", "signature_invalid"]).toContain(
      await bob.sends(carol.person.identifier, "to Carol only"),
    );
    expect(appended).toEqual([]);
    expect(await afterwards()).toBe("sent");
  });

  test("replays an older list, from before a key was revoked: refused", async () => {
    const next = await provider.rsaGenerate();
    const signed = await carol.person.nextList(nowSec(), (list) => {
      const [device] = list.devices;
      device!.classicKeys[0]!.revokedAtSec = list.createdAtSec;
      device!.classicKeys.push({
        ...device!.classicKeys[0]!,
        publicKey: next.publicKey,
        addedAtSec: list.createdAtSec,
        retiredAtSec: 0n,
        revokedAtSec: 0n,
      });
    });
    const request = carol.client.request();
    carol.client.send({ case: "putDeviceList", value: { request, deviceList: signed } });
    expect(await carol.client.outcome(request)).toBe("done");
    await meetCarol();
    lie(answer([carol.person.lists[0]!]));
    expect(await attempt()).toEqual(refusedWith("device_list_rolled_back"));
    expect(await afterwards()).toBe("sent");
  });

  test("hides the newest list, yet owns to its version: refused", async () => {
    await meetCarol();
    lie((result) => ({ ...result, newestVersion: 2n }));
    expect(await attempt()).toEqual(refusedWith("device_list_invalid"));
    expect(await afterwards()).toBe("sent");
  });

  test("forks: shows another list under a version that was seen, rightly signed: refused", async () => {
    const [one, other] = await Promise.all([
      forkOf((list) => (list.createdAtSec += 1n)),
      forkOf((list) => (list.createdAtSec += 2n)),
    ]);
    lie(answer([carol.person.lists[0]!, one]));
    await meetCarol();
    lie(answer([carol.person.lists[0]!, other]));
    expect(await attempt()).toEqual(refusedWith("device_list_rolled_back"));
  });

  test("answers with somebody else's list: refused", async () => {
    lie(answer([fake.lists[0]!]));
    expect(await attempt()).toEqual(refusedWith("device_list_invalid"));
    expect(await afterwards()).toBe("sent");
  });

  test.each([
    ["no list at all", () => []],
    ["the second version only", async () => [await forkOf(() => undefined)]],
    ["the versions in reverse", async () => [await forkOf(() => undefined), carol.person.lists[0]!]],
    ["bytes that are no list", () => [{ ...carol.person.lists[0]!, list: new Uint8Array(50).fill(0xff) }]],
    ["a list without a signature", () => [{ ...carol.person.lists[0]!, signature: new Uint8Array() }]],
  ])("answers with %s: refused", async (_, make) => {
    const lists = await make();
    lie(answer(lists, Math.max(1, lists.length)));
    const { bob } = scene;
    expect(["device_list_invalid", "signature_invalid"]).toContain(
      await bob.sends(carol.person.identifier, "to Carol only"),
    );
    expect(appended).toEqual([]);
    expect(await afterwards()).toBe("sent");
  });

  test("leads a known identifier to another account: sending stops until the person acknowledges it", async () => {
    await meetCarol();
    const mallory = await scene.person();
    scene.liar.lie({
      up: (told) => {
        const { frame } = told;
        if (frame.case === "append") appended.push(frame.value.logId);
        return [told];
      },
      down: aboutLookups((result) => {
        if (!equalBytes(result.accountId, carol.person.account)) return result;
        return { ...result, found: false, accountId: new Uint8Array(), lists: [], newestVersion: 0n };
      }),
    });
    const { bob } = scene;
    expect(await bob.sends(carol.person.identifier, "gone?")).toBe("identifier_not_found");
    scene.liar.lie({
      down: aboutLookups((result) => ({
        ...result,
        found: true,
        accountId: mallory.person.account,
        lists: mallory.person.lists,
        newestVersion: 1n,
      })),
    });
    await bob.messenger.contact(carol.person.identifier).catch(() => undefined);
    expect(appended).toEqual([]);
    const after = await bob
      .sends(carol.person.identifier, "to whom?")
      .catch((error: { code: string }) => error.code);
    expect(["identity_changed", "device_list_invalid"]).toContain(after);
    expect(appended).toEqual([]);
  });

  test("lets a genuine change of identity through: Bob is told, and sends nothing before he acknowledges it", async () => {
    await meetCarol();
    const { list: known, hash } = await carol.person.verifiedList();
    const rotated = create(DeviceListSchema, {
      ...known,
      version: 2n,
      previousHash: hash,
      identityKey: fake.identity.publicKey,
    });
    const signed = await signDeviceList(
      provider,
      rotated,
      carol.person.identity.privateKey,
      fake.identity.privateKey,
    );
    const request = carol.client.request();
    carol.client.send({ case: "putDeviceList", value: { request, deviceList: signed } });
    expect(await carol.client.outcome(request)).toBe("done");
    lie((result) => result);
    const { bob } = scene;
    expect(await bob.sends(carol.person.identifier, "is it you?")).toBe("identity_changed");
    expect(appended).toEqual([]);
    await bob.until("he is told", () => bob.notices.length > 0);
    expect(bob.notices).toEqual([{ type: "identity_changed", identifier: carol.person.identifier }]);
    await bob.messenger.acknowledgeIdentity(carol.person.identifier);
    await bob.messenger.flushed();
    expect(appended.length).toBe(1);
  });
});

/** A second version of Carol's list, rightly signed by her and not published. */
async function forkOf(change: (list: DeviceList) => void): Promise<SignedDeviceList> {
  const { list: known, hash } = await carol.person.verifiedList();
  const list = create(DeviceListSchema, { ...known, version: 2n, previousHash: hash });
  change(list);
  return signDeviceList(provider, list, carol.person.identity.privateKey);
}
