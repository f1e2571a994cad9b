/**
 * What a lying server, or anybody on the way, can do to one classic message, and why it does not help: each attack on the
 * bytes ends in a refusal with its code before anything is decrypted, and the honest message is taken afterwards.
 * The same attacks against whole clients stand in client-attacks.test.ts.
 */
import {
  type ClassicAddress,
  type ProtectedClassicMessage,
  parseClassicMessage,
  parseClassicPlaintext,
  unprotectClassic,
} from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { LIMITS, SottoError, equalBytes, fromUtf8, toHex, utf8 } from "@sotto/protocol";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Person } from "../src/attack.ts";
import { SeededRandom } from "../src/index.ts";

const provider = nodeProvider();
const NOW = 1_800_000_000;
let ann: Person;
let bob: Person;
let mallory: Person;
let message: ProtectedClassicMessage;

beforeAll(async () => {
  [ann, bob, mallory] = await Promise.all([
    Person.make(provider, "+15551230001", NOW - 1_000),
    Person.make(provider, "+15551230002", NOW - 1_000),
    Person.make(provider, "+15551230003", NOW - 1_000),
  ]);
});

beforeEach(async () => {
  message = await ann.write(bob, "The meeting is at noon.", { nowSec: NOW, n: 1 });
});

interface Circumstances {
  readonly nowSec?: number;
  readonly self?: ClassicAddress;
  readonly privateKey?: Uint8Array;
  readonly seen?: readonly Uint8Array[];
}

/** Bob's device takes JSON in, as a client does: the sender's list is that of whomever the message names. */
async function take(json: string, circumstances: Circumstances = {}): Promise<string> {
  const unverified = parseClassicMessage(utf8(json));
  const sender = [ann, bob, mallory].find(({ account }) => equalBytes(account, unverified.sender.account));
  const taken = await unprotectClassic(provider, {
    message: unverified,
    self: circumstances.self ?? bob.address,
    privateKeys: [circumstances.privateKey ?? bob.rsa.privateKey],
    senderList: await sender?.verifiedList(),
    nowSec: circumstances.nowSec ?? NOW,
    alreadySeen: (hash) => (circumstances.seen ?? []).some((one) => equalBytes(one, hash)),
  });
  const plaintext = parseClassicPlaintext(taken.plaintext);
  return plaintext.type === "text" ? plaintext.body : plaintext.type;
}

/** The code with which Bob refuses; "taken: …" when he does not; other errors fail the test. */
async function refusal(json: string, circumstances?: Circumstances): Promise<string> {
  try {
    return `taken: ${await take(json, circumstances)}`;
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

/** The message with members replaced, signature kept. */
function altered(changes: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(message.json) as object), ...changes });
}

const addressText = (person: Person): string => `${toHex(person.account)}.${toHex(person.device)}`;

describe("a classic message", () => {
  test("honest: is taken", async () => {
    expect(await take(message.json)).toBe("The meeting is at noon.");
  });

  test("altered in any byte: every byte of the JSON, replaced in two ways, is refused before decryption", async () => {
    const json = utf8(message.json);
    const codes: Record<string, number> = {};
    const random = new SeededRandom(17);
    for (let at = 0; at < json.length; at++) {
      for (const byte of [(json[at] ?? 0) ^ 1, 0x21 + random.integer(0x5d)]) {
        if (byte === json[at]) continue;
        const changed = json.slice();
        changed[at] = byte;
        const code = await refusal(fromUtf8(changed));
        codes[code] = (codes[code] ?? 0) + 1;
      }
    }
    expect(Object.keys(codes).toSorted()).toEqual([
      "device_unknown",
      "message_not_for_us",
      "message_refused",
      "signature_invalid",
    ]);
    expect(Object.values(codes).reduce((sum, count) => sum + count)).toBeGreaterThan(2 * json.length - 50);
    expect(await take(message.json)).toBe("The meeting is at noon.");
  });

  test("cut short, anywhere: is refused", async () => {
    for (let length = 0; length < message.json.length; length++) {
      expect(await refusal(message.json.slice(0, length))).toBe("message_refused");
    }
  });

  test("with a member doubled, added, left out or nested: is refused", async () => {
    const { json } = message;
    const doubled = json.replace("{", '{"timestamp":1,');
    expect(await refusal(doubled)).toBe("message_refused");
    expect(await refusal(altered({ extra: 1 }))).toBe("message_refused");
    expect(await refusal(altered({ signature: undefined }))).toBe("message_refused");
    expect(await refusal(altered({ timestamp: { deep: NOW } }))).toBe("message_refused");
    expect(await refusal(altered({ timestamp: String(NOW) }))).toBe("message_refused");
    expect(await refusal("[".repeat(100_000))).toBe("message_refused");
  });

  test("re-addressed to another recipient: unchanged it is not for them, changed it is not signed", async () => {
    const self = mallory.address;
    const theirs = { self, privateKey: mallory.rsa.privateKey };
    expect(await refusal(message.json, theirs)).toBe("message_not_for_us");
    expect(await refusal(altered({ recipient_id: addressText(mallory) }), theirs)).toBe("signature_invalid");
  });

  test("re-addressed to another device of the same account: is not for it", async () => {
    const self = { account: bob.account, device: mallory.device };
    expect(await refusal(message.json, { self })).toBe("message_not_for_us");
  });

  test("re-attributed to another sender: is not signed by them", async () => {
    expect(await refusal(altered({ sender_id: addressText(mallory) }))).toBe("signature_invalid");
    expect(await refusal(altered({ sender_id: addressText(bob) }))).toBe("signature_invalid");
  });

  test("from a device that is not on its account's list: is refused", async () => {
    const device = `${toHex(ann.account)}.${toHex(mallory.device)}`;
    expect(await refusal(altered({ sender_id: device }))).toBe("device_unknown");
  });

  test("from an account that the directory does not know: is refused", async () => {
    const nobody = `${"0".repeat(32)}.${"0".repeat(32)}`;
    expect(await refusal(altered({ sender_id: nobody }))).toBe("device_unknown");
  });

  test("replayed: is refused", async () => {
    expect(await refusal(message.json, { seen: [message.hash] })).toBe("message_replayed");
    const sameInOtherBytes = message.json.replace("{", "{ ");
    expect(await refusal(sameInOtherBytes, { seen: [message.hash] })).toBe("message_replayed");
  });

  test("stale: is refused, to the second", async () => {
    const oldest = NOW + LIMITS.maxMessageAgeSec;
    expect(await refusal(message.json, { nowSec: oldest })).toMatch(/^taken/);
    expect(await refusal(message.json, { nowSec: oldest + 1 })).toBe("message_stale");
  });

  test("dated in the future: is refused, to the second", async () => {
    const earliest = NOW - LIMITS.maxClockSkewSec;
    expect(await refusal(message.json, { nowSec: earliest })).toMatch(/^taken/);
    expect(await refusal(message.json, { nowSec: earliest - 1 })).toBe("message_from_future");
  });

  test("backdated or postdated on the way: is not signed", async () => {
    expect(await refusal(altered({ timestamp: NOW - 60 }))).toBe("signature_invalid");
    expect(await refusal(altered({ timestamp: NOW + 60 }))).toBe("signature_invalid");
  });

  test("with pieces of two honest messages put together: is not signed", async () => {
    const other = JSON.parse((await ann.write(bob, "Another.", { nowSec: NOW, n: 2 })).json) as Record<
      string,
      unknown
    >;
    for (const member of ["encrypted_content", "encrypted_aes_key", "signature"]) {
      expect(await refusal(altered({ [member]: other[member] }))).toBe("signature_invalid");
    }
  });

  test("signed by a revoked key: verifies nothing newer than the revocation", async () => {
    const carol = await Person.make(provider, "+15551230004", NOW - 1_000);
    const [before, after] = [
      await carol.write(bob, "before", { nowSec: NOW - 10 }),
      await carol.write(bob, "after", { nowSec: NOW + 1 }),
    ];
    await carol.nextList(NOW, (list) => (list.devices[0]!.classicKeys[0]!.revokedAtSec = BigInt(NOW)));
    const senderList = await carol.verifiedList();
    const open = ({ json }: ProtectedClassicMessage) =>
      unprotectClassic(provider, {
        message: parseClassicMessage(utf8(json)),
        self: bob.address,
        privateKeys: [bob.rsa.privateKey],
        senderList,
        nowSec: NOW + 2,
      });
    await open(before);
    await expect(open(after)).rejects.toMatchObject({ code: "key_revoked" });
  });
});
