import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DeviceListSchema,
  DeviceSchema,
  LIMITS,
  ValidationError,
  checkFirstList,
  checkNextList,
  parseDeviceList,
  parseHex,
  type DeviceList,
} from "../src/index.ts";

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

/** A key of the right form; nobody computes with it here. */
function rsaKey(fill: number): Uint8Array {
  const prefix = parseHex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")!;
  return Uint8Array.of(...prefix, 0x80, ...bytes(254, fill), 0x01, 0x02, 0x03, 0x01, 0x00, 0x01);
}

function key(fill: number, addedAtSec = 100n, retiredAtSec = 0n, revokedAtSec = 0n) {
  return { publicKey: rsaKey(fill), addedAtSec, retiredAtSec, revokedAtSec };
}

type DeviceInit = MessageInitShape<typeof DeviceSchema>;
function device(fill: number, changes: DeviceInit = {}): DeviceInit {
  return {
    deviceId: bytes(16, fill),
    signatureKey: bytes(32, fill),
    inboxId: bytes(16, fill + 100),
    classicKeys: [key(fill)],
    addedAtSec: 100n,
    ...changes,
  };
}

function list(changes: MessageInitShape<typeof DeviceListSchema> = {}): Uint8Array {
  const whole = {
    accountId: bytes(16, 9),
    version: 1n,
    identityKey: bytes(32, 8),
    createdAtSec: 100n,
    devices: [device(1)],
    ...changes,
  };
  return toBinary(DeviceListSchema, create(DeviceListSchema, whole));
}

const hash = bytes(32, 7);
const next = (changes: MessageInitShape<typeof DeviceListSchema> = {}) =>
  list({ version: 2n, previousHash: hash, createdAtSec: 200n, ...changes });

/** Which rule an action breaks; "accepted" when it breaks none. Any other error goes through. */
function rule(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ValidationError && error.code === "device_list_invalid") return error.message;
    throw error;
  }
  return "accepted";
}

describe("parseDeviceList", () => {
  test("takes a list with several devices, rotated keys and a revoked device", () => {
    const devices = [
      device(1, { classicKeys: [key(1, 100n, 150n), key(4, 150n, 0n, 160n), key(5, 160n)] }),
      device(2, { revokedAtSec: 180n }),
      device(3, { classicKeys: [] }),
    ];
    const parsed = parseDeviceList(next({ devices }));
    expect(parsed.devices.length).toBe(3);
    expect(parsed.devices[0]!.classicKeys.length).toBe(3);
  });

  const manyKeys = Array.from({ length: 33 }, (_, i) => key(i, 100n, i < 32 ? 100n : 0n));
  const cases: [string, Uint8Array, string][] = [
    ["bytes that are no protobuf", bytes(10, 0xff), "cannot be decoded"],
    ["nothing", new Uint8Array(), "account_id must have 16"],
    ["more bytes than allowed", bytes(LIMITS.maxDeviceListBytes + 1, 0), "cannot be decoded"],
    ["a short account id", list({ accountId: bytes(15, 1) }), "account_id must"],
    ["version 0", list({ version: 0n }), "version must"],
    ["a version past 2^53 - 1", next({ version: 2n ** 53n }), "version must"],
    ["a previous hash in version 1", list({ previousHash: hash }), "previous_hash has"],
    ["no previous hash in version 2", list({ version: 2n }), "previous_hash has"],
    ["a long identity key", list({ identityKey: bytes(33, 1) }), "identity_key must"],
    ["no time", list({ createdAtSec: 0n }), "created_at_sec is out"],
    ["a time past the year 9999", list({ createdAtSec: 253_402_300_800n }), "created_at_sec is out"],
    ["no device", list({ devices: [] }), "no device"],
    [
      "too many devices",
      list({ devices: Array.from({ length: 129 }, () => device(1, { classicKeys: [] })) }),
      "too many devices",
    ],
    ["a short device id", list({ devices: [device(1, { deviceId: bytes(3, 1) })] }), "device_id must"],
    [
      "a short signature key",
      list({ devices: [device(1, { signatureKey: bytes(31, 1) })] }),
      "signature_key must",
    ],
    ["a long inbox id", list({ devices: [device(1, { inboxId: bytes(17, 1) })] }), "inbox_id must"],
    ["a short inbox key", list({ devices: [device(1, { inboxKey: bytes(31, 1) })] }), "inbox_key must"],
    ["a long inbox key", list({ devices: [device(1, { inboxKey: bytes(33, 1) })] }), "inbox_key must"],
    [
      "an inbox key of two devices",
      next({ devices: [device(1, { inboxKey: bytes(32, 1) }), device(2, { inboxKey: bytes(32, 1) })] }),
      "inbox_key is listed twice",
    ],
    [
      "a long sealed name",
      list({ devices: [device(1, { sealedName: bytes(LIMITS.maxSealedNameBytes + 1, 1) })] }),
      "sealed_name is too long",
    ],
    ["a device without a time", list({ devices: [device(1, { addedAtSec: 0n })] }), "device's added_at_sec"],
    [
      "a device from the future",
      list({ devices: [device(1, { addedAtSec: 101n })] }),
      "device's added_at_sec",
    ],
    [
      "a device revoked before it was added",
      list({ devices: [device(1, { revokedAtSec: 99n })] }),
      "revoked_at_sec is out",
    ],
    [
      "a device revoked in the future",
      list({ devices: [device(1, { revokedAtSec: 101n })] }),
      "revoked_at_sec is out",
    ],
    [
      "a key of another kind",
      list({ devices: [device(1, { classicKeys: [{ ...key(1), publicKey: bytes(294, 1) }] })] }),
      "RSA-2048",
    ],
    ["too many keys", list({ devices: [device(1, { classicKeys: manyKeys })] }), "too many classic keys"],
    [
      "a key from the future",
      list({ devices: [device(1, { classicKeys: [key(1, 101n)] })] }),
      "key's added_at_sec",
    ],
    [
      "keys out of order",
      next({ devices: [device(1, { classicKeys: [key(1, 120n, 130n), key(2, 110n)] })] }),
      "key's added_at_sec",
    ],
    [
      "a key retired before it was added",
      list({ devices: [device(1, { classicKeys: [key(1, 100n, 99n)] })] }),
      "retired_at_sec is out",
    ],
    [
      "a key revoked in the future",
      list({ devices: [device(1, { classicKeys: [key(1, 100n, 0n, 101n)] })] }),
      "key's revoked_at_sec is out",
    ],
    [
      "two keys in use",
      list({ devices: [device(1, { classicKeys: [key(1), key(2)] })] }),
      "only a device's newest",
    ],
    [
      "a device id twice",
      list({ devices: [device(1), device(2, { deviceId: bytes(16, 1) })] }),
      "device_id is listed twice",
    ],
    [
      "a signature key twice",
      list({ devices: [device(1), device(2, { signatureKey: bytes(32, 1) })] }),
      "signature_key is listed twice",
    ],
    [
      "an inbox twice",
      list({ devices: [device(1), device(2, { inboxId: bytes(16, 101) })] }),
      "inbox_id is listed twice",
    ],
    [
      "an RSA key twice",
      list({ devices: [device(1), device(2, { classicKeys: [key(1)] })] }),
      "classic key is listed twice",
    ],
  ];
  test.each(cases)("refuses %s", (_, encoded, message) => {
    expect(rule(() => parseDeviceList(encoded))).toContain(message);
  });

  test("mutated bytes throw ValidationError or parse, and nothing else", () => {
    const valid = next({ devices: [device(1), device(2, { revokedAtSec: 150n })] });
    fc.assert(
      fc.property(
        fc.nat(valid.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(valid.length),
        (at, flip, end) => {
          const mutated = valid.slice(0, end);
          if (at < mutated.length) mutated[at]! ^= flip;
          expect(rule(() => parseDeviceList(mutated))).not.toBe("");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("checkFirstList", () => {
  test("takes version 1 with one device in use", () => {
    expect(rule(() => checkFirstList(parseDeviceList(list())))).toBe("accepted");
  });
  test.each([
    ["another version", next(), "version 1"],
    ["two devices", list({ devices: [device(1), device(2)] }), "exactly one"],
    ["a revoked device", list({ devices: [device(1, { revokedAtSec: 100n })] }), "revoked"],
  ])("refuses %s", (_, encoded, message) => {
    expect(rule(() => checkFirstList(parseDeviceList(encoded)))).toContain(message);
  });
});

const follow = (devices: DeviceInit[], changes: Parameters<typeof next>[0] = {}): DeviceList =>
  parseDeviceList(next({ devices, ...changes }));

describe("checkNextList", () => {
  const before = parseDeviceList(
    list({ createdAtSec: 150n, devices: [device(1), device(2, { revokedAtSec: 140n })] }),
  );
  const gone = device(2, { revokedAtSec: 140n });

  test.each([
    ["nothing but the time", follow([device(1), gone])],
    ["another identity key", follow([device(1), gone], { identityKey: bytes(32, 77), createdAtSec: 150n })],
    ["a device more", follow([device(1), gone, device(3)])],
    ["a device revoked", follow([device(1, { revokedAtSec: 200n }), gone])],
    ["a key rotated", follow([device(1, { classicKeys: [key(1, 100n, 180n), key(4, 180n)] }), gone])],
    [
      "a key revoked from an earlier time on",
      follow([device(1, { classicKeys: [key(1, 100n, 0n, 120n), key(4, 180n)] }), gone]),
    ],
    [
      "the key of a revoked device revoked",
      follow([device(1), device(2, { revokedAtSec: 140n, classicKeys: [key(2, 100n, 0n, 140n)] })]),
    ],
  ])("takes %s", (_, after) => {
    expect(rule(() => checkNextList(before, hash, after))).toBe("accepted");
  });

  test.each([
    ["another account", follow([device(1), gone], { accountId: bytes(16, 1) }), "account_id has changed"],
    ["a version left out", follow([device(1), gone], { version: 3n }), "version does not follow"],
    ["another hash", follow([device(1), gone], { previousHash: bytes(32, 6) }), "previous_hash is not"],
    ["an earlier time", follow([device(1), gone], { createdAtSec: 149n }), "created_at_sec is before"],
    ["a device left out", follow([device(1)]), "disappeared"],
    ["devices in another order", follow([gone, device(1)]), "replaced or moved"],
    [
      "another signature key",
      follow([device(1, { signatureKey: bytes(32, 50) }), gone]),
      "signature_key has",
    ],
    ["another inbox", follow([device(1, { inboxId: bytes(16, 50) }), gone]), "inbox_id has"],
    ["another added_at_sec", follow([device(1, { addedAtSec: 99n }), gone]), "added_at_sec has"],
    ["a device brought back", follow([device(1), device(2)]), "already set"],
    ["another time of revocation", follow([device(1), device(2, { revokedAtSec: 141n })]), "already set"],
    ["a key left out", follow([device(1, { classicKeys: [] }), gone]), "classic key has disappeared"],
    ["another key", follow([device(1, { classicKeys: [key(5)] }), gone]), "classic key was replaced"],
    [
      "a key's other time",
      follow([device(1, { classicKeys: [key(1, 99n)] }), gone]),
      "key's added_at_sec has",
    ],
    [
      "a new key on a revoked device",
      follow([device(1), device(2, { revokedAtSec: 140n, classicKeys: [key(2, 100n, 150n), key(6, 150n)] })]),
      "revoked device has a new",
    ],
  ])("refuses %s", (_, after, message) => {
    expect(rule(() => checkNextList(before, hash, after))).toContain(message);
  });

  const named = (inboxKey: Uint8Array, sealedName: Uint8Array, version: bigint) =>
    follow([device(1, { inboxKey, sealedName }), gone], { version });

  test("an inbox key is set once, a sealed name as often as one likes", () => {
    const first = named(bytes(32, 1), bytes(160, 1), 2n);
    expect(rule(() => checkNextList(before, hash, first))).toBe("accepted");
    const renamed = named(bytes(32, 1), bytes(3, 2), 3n);
    expect(rule(() => checkNextList(first, hash, renamed))).toBe("accepted");
    const none = new Uint8Array();
    for (const changed of [bytes(32, 2), none]) {
      const next = named(changed, none, 3n);
      expect(rule(() => checkNextList(first, hash, next))).toContain("inbox_key has changed");
    }
  });

  test("devices without an inbox key stand beside each other", () => {
    const both = follow([device(1), gone, device(3)]);
    expect(rule(() => checkNextList(before, hash, both))).toBe("accepted");
  });

  test("the oldest keys may be left out once nothing that they signed would be taken any more", () => {
    const kept = BigInt(LIMITS.retiredKeyGraceSec + LIMITS.maxMessageAgeSec);
    const keys = [key(1, 100n, 150n), key(2, 150n, 160n, 170n), key(3, 160n, 0n, 190n), key(4, 190n)];
    const before = parseDeviceList(next({ devices: [device(1, { classicKeys: keys })] }));
    const after = (createdAtSec: bigint, classicKeys: typeof keys) =>
      parseDeviceList(
        list({ version: 3n, previousHash: hash, createdAtSec, devices: [device(1, { classicKeys })] }),
      );
    const outcome = (createdAtSec: bigint, classicKeys: typeof keys) =>
      rule(() => checkNextList(before, hash, after(createdAtSec, classicKeys)));
    const [, second, third, fourth] = keys as [
      (typeof keys)[0],
      (typeof keys)[0],
      (typeof keys)[0],
      (typeof keys)[0],
    ];

    expect(outcome(151n + kept, [second, third, fourth])).toBe("accepted");
    expect(outcome(150n + kept, [second, third, fourth])).not.toBe("accepted");
    expect(outcome(171n + kept, [third, fourth])).toBe("accepted");
    expect(outcome(170n + kept, [third, fourth])).not.toBe("accepted");
    expect(outcome(191n + kept, [{ ...fourth, retiredAtSec: 191n + kept }, key(5, 191n + kept)])).toBe(
      "accepted",
    );
    // Nothing from the middle, nothing that is in use, nothing exchanged.
    expect(outcome(191n + kept, [keys[0]!, third, fourth])).not.toBe("accepted");
    expect(outcome(1_000n + kept, [key(5, 1_000n + kept)])).not.toBe("accepted");
    expect(outcome(1_000n + kept, [])).not.toBe("accepted");
    expect(outcome(1_000n + kept, [third, { ...fourth, addedAtSec: 191n }])).not.toBe("accepted");
  });

  test("a key's retirement and revocation are set once", () => {
    const retired = follow([device(1, { classicKeys: [key(1, 100n, 160n), key(4, 160n)] }), gone]);
    const third = (first: ReturnType<typeof key>) =>
      follow([device(1, { classicKeys: [first, key(4, 160n)] }), gone], { version: 3n });
    expect(rule(() => checkNextList(retired, hash, third(key(1, 100n, 160n, 190n))))).toBe("accepted");
    expect(rule(() => checkNextList(retired, hash, third(key(1, 100n, 161n))))).toContain("already set");
    expect(rule(() => checkNextList(retired, hash, third(key(1, 100n, 0n, 170n))))).toContain("already set");
  });
});
