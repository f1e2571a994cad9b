/** Limits that must fit into one another: what one allows, the other must carry. */
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  AppendSchema,
  ClientFramesSchema,
  DeviceListSchema,
  EntryKind,
  LIMITS,
  LookupResultSchema,
  ServerFramesSchema,
  decode,
} from "../src/index.ts";

test("the largest entry, with everything that goes with it, fits into a message", () => {
  const value = create(AppendSchema, {
    request: 0xffffffff,
    logId: new Uint8Array(16),
    accessToken: new Uint8Array(32),
    epoch: 2n ** 64n - 1n,
    kind: EntryKind.COMMIT,
    body: new Uint8Array(LIMITS.maxEntryBytes),
    nextTokenHash: new Uint8Array(32),
  });
  const frames = create(ClientFramesSchema, { frames: [{ frame: { case: "append", value } }] });
  expect(toBinary(ClientFramesSchema, frames).length).toBeLessThan(LIMITS.maxMessageBytes);
});

test("the largest device list has fewer fields than a message may have", () => {
  // RSA keys have 294 bytes: a list of the largest size holds fewer than this many of them.
  const keys = Math.ceil(LIMITS.maxDeviceListBytes / 294);
  const perDevice = Math.min(keys, LIMITS.maxClassicKeys);
  const device = {
    deviceId: new Uint8Array(16),
    signatureKey: new Uint8Array(32),
    inboxId: new Uint8Array(16),
    classicKeys: Array.from({ length: perDevice }, () => ({
      publicKey: new Uint8Array(294),
      addedAtSec: 1n,
      retiredAtSec: 1n,
      revokedAtSec: 1n,
    })),
    addedAtSec: 1n,
    revokedAtSec: 1n,
  };
  const laden = Math.floor(keys / perDevice);
  const devices = Array.from({ length: LIMITS.maxDevices }, (_, i) =>
    i < laden ? device : { ...device, classicKeys: [] },
  );
  const bytes = toBinary(DeviceListSchema, create(DeviceListSchema, { devices }));
  expect(decode(DeviceListSchema, bytes, bytes.length).devices.length).toBe(LIMITS.maxDevices);
});

test("as many lists as a lookup may answer, of an ordinary size, fit into a message", () => {
  const lists = Array.from({ length: LIMITS.maxListsPerLookup }, () => ({
    list: new Uint8Array(4_000),
    signature: new Uint8Array(64),
    newIdentitySignature: new Uint8Array(64),
  }));
  const value = create(LookupResultSchema, { request: 1, found: true, lists });
  const frames = create(ServerFramesSchema, { frames: [{ frame: { case: "lookupResult", value } }] });
  expect(decode(ServerFramesSchema, toBinary(ServerFramesSchema, frames)).frames.length).toBe(1);
});

test("times and counts stand in the right order", () => {
  expect(LIMITS.defaultWindow).toBeLessThanOrEqual(LIMITS.maxWindow);
  expect(LIMITS.maxMessageAgeSec).toBeGreaterThan(LIMITS.retentionSec);
  expect(LIMITS.maxTextBytes * 2).toBeLessThan(LIMITS.maxEntryBytes);
  expect(LIMITS.maxDeviceListBytes).toBeLessThan(LIMITS.maxRequestBytes);
  expect(10 ** LIMITS.codeDigits / LIMITS.codeTries).toBeGreaterThanOrEqual(100_000);
});
