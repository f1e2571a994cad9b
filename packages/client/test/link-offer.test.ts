/** What a new device leaves with the server tells it nothing, and only who has its code reads it. */
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";
import { LABELS, concatBytes, toHex, utf8 } from "@sotto/protocol";
import { expect, test } from "vitest";
import { formatCode, parseCode } from "../src/core/devices/code.ts";
import { keysOfCode, sealUnderCode } from "../src/core/devices/link-keys.ts";
import { makeNewDevice, readOffer } from "../src/core/devices/link-offer.ts";
import type { Env } from "../src/core/env.ts";

const crypto = nodeProvider();
const env = { crypto, mlsProvider: nodeMlsProvider(crypto) } as Env;
const fingerprint = crypto.randomBytes(32);

test("the server is given neither the code nor the device's keys and name", async () => {
  const made = await makeNewDevice(env, fingerprint, "Ann's tablet", "a test");
  const code = parseCode(made.code, 10);
  const secrets = [code, utf8(made.code), utf8("Ann's tablet"), made.answerKey.publicKey];
  secrets.push(made.device.deviceId, made.device.signatureKey, made.device.inboxKey);
  const told = toHex(concatBytes(made.keys.linkId, made.offer, made.secret));
  // Four bytes of the code in a row would halve the work of guessing it.
  secrets.push(code.subarray(0, 4), code.subarray(6));
  for (const secret of secrets) expect(told.includes(toHex(secret))).toBe(false);
  const read = await readOffer(env, code, made.keys, made.offer);
  expect(read).toMatchObject({ name: "Ann's tablet", answerKey: made.answerKey.publicKey });
});

test("an offer opens for its code only, and a code takes its offer only", async () => {
  const made = await makeNewDevice(env, fingerprint, "Ann's tablet", "a test");
  const code = parseCode(made.code, 10);
  const refused = { code: "link_refused" };
  const other = code.with(9, code[9]! ^ 1);
  const otherKeys = await keysOfCode(env, other, fingerprint);
  await expect(readOffer(env, other, otherKeys, made.offer)).rejects.toMatchObject(refused);
  await expect(readOffer(env, code, made.keys, made.offer.subarray(1))).rejects.toMatchObject(refused);
  await expect(readOffer(env, code, made.keys, new Uint8Array())).rejects.toMatchObject(refused);
  // Sealed by who knows the code, and yet another offer.
  const sealed = await sealUnderCode(env, made.keys.offerKey, LABELS.linkOffer, utf8("another"));
  await expect(readOffer(env, code, made.keys, sealed)).rejects.toMatchObject(refused);
  expect(formatCode(code)).toBe(made.code);
});
