/** What this client makes of the specification's worked example of codes, device names and requests to be added anew. */
import { nodeProvider } from "@sotto/crypto/node";
import { parseHex, toHex } from "@sotto/protocol";
import { expect, test } from "vitest";
import { valuesUnder, readDocument } from "../../../e2e/documents.ts";
import { formatCode, parseCode } from "../src/core/devices/code.ts";
import { openName } from "../src/core/devices/names.ts";
import { readRecoveryKey } from "../src/core/devices/recovery.ts";
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
  const signed = rejoinTranscript({ ...request, madeAtSec: BigInt(value("made_at_sec")) });
  expect(toHex(signed)).toBe(value("rejoin"));
});

test("codes are written and read as in the example, however people type them", () => {
  const value = under("Codes, and the name of a device");
  const code = value("code");
  expect(formatCode(bytes(value("link_id")))).toBe(code);
  const typed = [code, `sotto-link:${code}`, code.toLowerCase(), code.replaceAll("-", " ")];
  typed.push(code.replaceAll("0", "o").replaceAll("1", "l"), code.replaceAll("1", "I"));
  for (const text of typed) expect(toHex(parseCode(text, 10))).toBe(value("link_id"));
  expect(() => parseCode(code.slice(1), 10)).toThrow(expect.objectContaining({ code: "usage" }));
  expect(() => parseCode(`U${code.slice(1)}`, 10)).toThrow(expect.objectContaining({ code: "usage" }));
});

test("the recovery key gives the backup key, and that opens the device's name", async () => {
  const value = under("Codes, and the name of a device");
  const key = await readRecoveryKey(env, value("recovery_key"));
  expect(toHex(key)).toBe(value("backup_key"));
  expect(await openName(env, key, bytes(value("sealed_name")))).toBe(value("name"));
  const altered = bytes(value("sealed_name"));
  altered[50]! ^= 1;
  expect(await openName(env, key, altered)).toBe("");
});
