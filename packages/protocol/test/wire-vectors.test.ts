/**
 * vectors/wire: what a reader must take and write back unchanged, and what it must refuse with which code.
 * They are files so that clients in other languages can run them too; see vectors/wire/README.md.
 */
import { createHash, createPublicKey, constants, verify } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type DescMessage, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import * as protocol from "../src/index.ts";
import {
  type DeviceList,
  LABELS,
  SottoError,
  accountId,
  challengeTranscript,
  checkFirstList,
  checkNextList,
  decode,
  deviceId,
  labelled,
  parseDeviceList,
  parseHex,
  signInTranscript,
  toHex,
} from "../src/index.ts";

interface ValidVector {
  readonly description: string;
  readonly message: string;
  readonly value: Parameters<typeof fromJson>[1];
  readonly hex: string;
}
interface InvalidVector {
  readonly description: string;
  readonly message: string;
  readonly hex: string;
  readonly times?: number;
  readonly code: string;
}

const folder = resolve(import.meta.dirname, "../../../vectors/wire");

function load<Vector>(kind: "valid" | "invalid"): [string, Vector][] {
  const names = readdirSync(join(folder, kind)).filter((name) => name.endsWith(".json"));
  return names.map((name) => [
    name.replace(".json", ""),
    JSON.parse(readFileSync(join(folder, kind, name), "utf8")) as Vector,
  ]);
}
const valid = load<ValidVector>("valid");
const invalid = load<InvalidVector>("invalid");

function schemaOf(name: string): DescMessage {
  const schema = (protocol as unknown as Record<string, DescMessage>)[`${name}Schema`];
  if (schema === undefined) throw new Error(`no message ${name}`);
  return schema;
}

/** Reads as the message is read in earnest: a DeviceList by its rules, everything else by the codec. */
function read(message: string, bytes: Uint8Array): unknown {
  return message === "DeviceList" ? parseDeviceList(bytes) : decode(schemaOf(message), bytes);
}

/** The code with which something is refused; other errors go through. */
function refusal(action: () => unknown): string {
  try {
    action();
    return "taken";
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

test("there are vectors", () => {
  expect(valid.length).toBeGreaterThan(25);
  expect(invalid.length).toBeGreaterThan(15);
});

describe.each(valid)("valid/%s", (_, { message, value, hex }) => {
  const schema = schemaOf(message);
  const bytes = parseHex(hex)!;

  test("decodes to its value, and the value encodes to its bytes", () => {
    expect(toJson(schema, read(message, bytes) as DeviceList)).toEqual(value);
    expect(toHex(toBinary(schema, decode(schema, bytes)))).toBe(hex);
    expect(toHex(toBinary(schema, fromJson(schema, value)))).toBe(hex);
  });

  test("each prefix is taken or refused as malformed, and nothing else", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(["taken", "malformed", "device_list_invalid"]).toContain(
        refusal(() => read(message, bytes.subarray(0, length))),
      );
    }
  });
});

test.each(invalid)("invalid/%s is refused with its code", (_, { message, hex, times = 1, code }) => {
  expect(refusal(() => read(message, parseHex(hex.repeat(times))!))).toBe(code);
});

/** A valid vector's message. */
function vector<Schema extends DescMessage>(name: string, schema: Schema) {
  const hex = valid.find(([file]) => file === name)?.[1].hex ?? "";
  return decode(schema, parseHex(hex)!);
}

function ed25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]),
    format: "der",
    type: "spki",
  });
  return verify(null, data, key, signature);
}

const signed = (list: Uint8Array): Uint8Array => labelled(LABELS.deviceList, list);

describe("the signatures in the vectors hold", () => {
  const first = vector("device-list-1", protocol.SignedDeviceListSchema);
  const second = vector("device-list-2", protocol.SignedDeviceListSchema);

  test("the device lists follow each other, signed by the old identity key and the new one", () => {
    const [one, two] = [parseDeviceList(first.list), parseDeviceList(second.list)];
    checkFirstList(one);
    checkNextList(one, createHash("sha256").update(first.list).digest(), two);
    expect(ed25519(one.identityKey, signed(first.list), first.signature)).toBe(true);
    expect(ed25519(one.identityKey, signed(second.list), second.signature)).toBe(true);
    expect(ed25519(two.identityKey, signed(second.list), second.newIdentitySignature)).toBe(true);
  });

  test("the challenge answers the hello under the server's key, and the sign-in answers the challenge", () => {
    const frame = (name: string) => vector(name, protocol.ClientFramesSchema).frames[0]!.frame;
    const answer = vector("server-challenge", protocol.ServerFramesSchema).frames[0]!.frame;
    const [hello, signIn] = [frame("client-hello"), frame("client-sign-in")];
    if (hello.case !== "hello" || signIn.case !== "signIn" || answer.case !== "challenge")
      throw new Error("frames");
    const challenge = answer.value;
    const certificate = challenge.certificate!;
    const { publicKey } = vector("get-server-response", protocol.GetServerResponseSchema);
    const rsa = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    const pss = { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(
      verify("sha256", labelled(LABELS.serverCertificate, certificate.body), pss, certificate.signature),
    ).toBe(true);
    const { challengeKey } = decode(protocol.ServerCertificateBodySchema, certificate.body);
    const nonces = [hello.value.clientNonce, challenge.serverNonce] as const;
    expect(ed25519(challengeKey, challengeTranscript(...nonces), challenge.signature)).toBe(true);
    const transcript = signInTranscript(
      ...nonces,
      createHash("sha256").update(publicKey).digest(),
      accountId(signIn.value.accountId),
      deviceId(signIn.value.deviceId),
    );
    const device = parseDeviceList(first.list).devices[0]!;
    expect(ed25519(device.signatureKey, transcript, signIn.value.signature)).toBe(true);
  });
});
