/** What this client makes of the specification's worked example of links, device names and requests to be added anew. */
import { nodeProvider } from "@sotto/crypto/node";
import {
  EphemeralContentSchema,
  LABELS,
  RejoinReason,
  decode,
  parseHex,
  toHex,
  type Label,
} from "@sotto/protocol";
import { expect, test } from "vitest";
import { valuesUnder, readDocument } from "../../../e2e/documents.ts";
import { formatCode, parseCode } from "../src/core/devices/code.ts";
import { codeOfOffer, keysOfCode, openUnderCode } from "../src/core/devices/link-keys.ts";
import { openName } from "../src/core/devices/names.ts";
import { readRecoveryKey } from "../src/core/devices/recovery.ts";
import { ephemeralTranscript } from "../src/core/groups/ephemeral.ts";
import { rejoinTranscript } from "../src/core/groups/healing.ts";

const document = readDocument("spec/PROTOCOL.md");
const env = { crypto: nodeProvider() } as Parameters<typeof openName>[0];
const under = (heading: string) => {
  const values = valuesUnder(document, heading);
  return (name: string): string => values[name]!;
};
const bytes = (text: string): Uint8Array => parseHex(text)!;

test("a request to be added anew signs what the example says", () => {
  const value = under("A request to be added anew, and an ephemeral item");
  const [logId, accountId, deviceId] = [value("log_id"), value("account_id"), value("device_id")].map(bytes);
  const request = { logId: logId!, accountId: accountId!, deviceId: deviceId! };
  const numbers = { madeAtSec: BigInt(value("made_at_sec")), epoch: BigInt(value("epoch")) };
  const refusedCommit = bytes(value("refused_commit"));
  const reason: RejoinReason = Number(value("reason"));
  const signed = rejoinTranscript({ ...request, ...numbers, reason, refusedCommit });
  expect(toHex(signed)).toBe(value("rejoin"));
});

test("an ephemeral item signs what the example says: all of its content", () => {
  const value = under("A request to be added anew, and an ephemeral item");
  const content = decode(EphemeralContentSchema, bytes(value("content")));
  expect(content).toMatchObject({ sentAtMs: 1_795_463_940_123n, body: { case: "typing" } });
  const group = { groupId: bytes(value("log_id")), epoch: Number(value("epoch")) };
  const signed = ephemeralTranscript(group, Number(value("leaf_index")), bytes(value("content")));
  expect(toHex(signed)).toBe(value("ephemeral"));
});

test("codes are written and read as in the example, however people type them", () => {
  const value = under("A link");
  const code = value("code");
  expect(formatCode(bytes(value("code_bytes")))).toBe(code);
  const typed = [code, `sotto-link:${code}`, code.toLowerCase(), code.replaceAll("-", " ")];
  typed.push(code.replaceAll("0", "o").replaceAll("1", "l"), code.replaceAll("1", "I"));
  for (const text of typed) expect(toHex(parseCode(text, 10))).toBe(value("code_bytes"));
  expect(() => parseCode(code.slice(1), 10)).toThrow(expect.objectContaining({ code: "usage" }));
  expect(() => parseCode(`U${code.slice(1)}`, 10)).toThrow(expect.objectContaining({ code: "usage" }));
});

test("a link has the code, id and keys of the example, and what they sealed opens", async () => {
  const value = under("A link");
  const code = await codeOfOffer(env, bytes(value("offer")));
  expect(toHex(code)).toBe(value("code_bytes"));
  const keys = await keysOfCode(env, code, bytes(value("fingerprint")));
  expect(toHex(keys.linkId)).toBe(value("link_id"));
  const opens = async (key: Uint8Array, label: Label, name: string) =>
    toHex(await openUnderCode(env, key, label, bytes(value(name))));
  expect(await opens(keys.offerKey, LABELS.linkOffer, "sealed_offer")).toBe(value("offer"));
  expect(await opens(keys.answerKey, LABELS.linkAnswer, "sealed_answer")).toBe(value("answer"));
  const wrong = { code: "decryption_failed" };
  await expect(opens(keys.offerKey, LABELS.linkOffer, "sealed_answer")).rejects.toMatchObject(wrong);
  // The same code at another server is another link.
  const elsewhere = await keysOfCode(env, code, new Uint8Array(32));
  await expect(opens(elsewhere.answerKey, LABELS.linkAnswer, "sealed_answer")).rejects.toMatchObject(wrong);
  expect(toHex(elsewhere.linkId)).not.toBe(value("link_id"));
});

test("the recovery key gives the backup key, and that opens the device's name", async () => {
  const value = under("A recovery key, and the name of a device");
  const { backupKey: key } = await readRecoveryKey(env, value("recovery_key"));
  expect(toHex(key)).toBe(value("backup_key"));
  expect(await openName(env, key, bytes(value("sealed_name")))).toBe(value("name"));
  const altered = bytes(value("sealed_name"));
  altered[50]! ^= 1;
  expect(await openName(env, key, altered)).toBe("");
});
