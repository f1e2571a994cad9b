import { describe, expect, test } from "vitest";
import {
  NONCE_BYTES,
  accountId,
  challengeTranscript,
  deviceId,
  signInTranscript,
  toHex,
  utf8,
} from "../src/index.ts";

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const parts = {
  client: filled(NONCE_BYTES, 1),
  server: filled(NONCE_BYTES, 2),
  fingerprint: filled(32, 3),
  account: filled(16, 4),
  device: filled(16, 5),
};
const signIn = (p: typeof parts) =>
  toHex(signInTranscript(p.client, p.server, p.fingerprint, accountId(p.account), deviceId(p.device)));

describe("what is signed at sign-in", () => {
  test("has the bytes of the specification", () => {
    expect(toHex(challengeTranscript(parts.client, parts.server))).toBe(
      `${toHex(utf8("sotto/challenge/v1"))}00${"01".repeat(32)}${"02".repeat(32)}`,
    );
    expect(signIn(parts)).toBe(
      `${toHex(utf8("sotto/sign-in/v1"))}00${"01".repeat(32)}${"02".repeat(32)}${"03".repeat(32)}${"04".repeat(16)}${"05".repeat(16)}`,
    );
  });

  test.each(Object.keys(parts) as (keyof typeof parts)[])("is bound to the %s", (name) => {
    for (let i = 0; i < parts[name].length; i++) {
      const changed = parts[name].map((byte, at) => (at === i ? byte ^ 1 : byte));
      expect(signIn({ ...parts, [name]: changed })).not.toBe(signIn(parts));
    }
  });
});
