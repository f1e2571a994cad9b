/** Signatures of device lists; the rules themselves are tested in @sotto/protocol. */
import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { SignedDeviceListSchema, SottoError, type SignedDeviceList } from "@sotto/protocol";
import { nodeCrypto } from "../../src/adapters/node-crypto.ts";
import { verifyFirstList, verifyNextList } from "../../src/core/device-lists.ts";
import { ed25519, newAccount, nextList, signList } from "../support/account.ts";

const nowSec = 1_800_000_000;

function rule(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SottoError && error.code === "device_list_invalid") return error.message;
    throw error;
  }
  return "accepted";
}

const first = (signed: SignedDeviceList): string => rule(() => verifyFirstList(signed, nodeCrypto, nowSec));
const next = (previous: SignedDeviceList, signed: SignedDeviceList): string =>
  rule(() => verifyNextList(toBinary(SignedDeviceListSchema, previous), signed, nodeCrypto, nowSec));

describe("version 1", () => {
  test("is signed by its own identity key", () => {
    const account = newAccount(nowSec);
    expect(first(account.signed)).toBe("accepted");
    expect(first(signList(account.list, ed25519()))).toContain("signature");
    expect(first({ ...account.signed, signature: new Uint8Array(64) })).toContain("signature");
    expect(first({ ...account.signed, signature: new Uint8Array() })).toContain("signature");
    expect(first(signList(account.list, account.identity, ed25519()))).toContain("new_identity_signature");
    expect(first({ ...account.signed, list: account.signed.list.subarray(1) })).not.toBe("accepted");
  });

  test("says what it changes, in the bytes that were signed", () => {
    const account = newAccount(nowSec);
    const change = verifyFirstList(account.signed, nodeCrypto, nowSec);
    const [device] = account.list.devices;
    expect(change).toEqual({
      account: account.list.accountId,
      version: 1,
      signedList: toBinary(SignedDeviceListSchema, account.signed),
      devices: [
        {
          device: device!.deviceId,
          signatureKey: device!.signatureKey,
          inbox: device!.inboxId,
          revoked: false,
        },
      ],
      nowSec,
    });
  });

  test("is not from the day after tomorrow", () => {
    expect(first(newAccount(nowSec + 86_400).signed)).toBe("accepted");
    expect(first(newAccount(nowSec + 86_401).signed)).toContain("ahead of the server's clock");
  });
});

describe("the next version", () => {
  const account = newAccount(nowSec);

  test("is signed by the identity key before", () => {
    const { signed, list } = nextList(account);
    expect(next(account.signed, signed)).toBe("accepted");
    expect(next(account.signed, signList(list, ed25519()))).toContain("signature");
    expect(next(account.signed, account.signed)).toContain("version does not follow");
    expect(next(signed, nextList(account).signed)).toContain("version does not follow");
  });

  test("with another identity key is signed by both", () => {
    const newKey = ed25519();
    const rotated = nextList(account, () => {}, newKey);
    expect(next(account.signed, rotated.signed)).toBe("accepted");
    expect(next(account.signed, signList(rotated.list, account.identity))).toContain("signature");
    expect(next(account.signed, signList(rotated.list, newKey, newKey))).toContain("signature");
    expect(next(account.signed, signList(rotated.list, account.identity, account.identity))).toContain(
      "signature",
    );
    // From then on the new key signs.
    expect(next(rotated.signed, nextList(rotated).signed)).toBe("accepted");
    expect(next(rotated.signed, signList(nextList(rotated).list, account.identity))).toContain("signature");
  });

  test("without another identity key has one signature", () => {
    const { list } = nextList(account);
    expect(next(account.signed, signList(list, account.identity, account.identity))).toContain(
      "does not belong",
    );
  });

  test("names a revoked device as such", () => {
    const { signed } = nextList(account, (list) => {
      list.devices[0]!.revokedAtSec = list.createdAtSec;
    });
    const change = verifyNextList(
      toBinary(SignedDeviceListSchema, account.signed),
      signed,
      nodeCrypto,
      nowSec,
    );
    expect(change.devices.map(({ revoked }) => revoked)).toEqual([true]);
  });
});
