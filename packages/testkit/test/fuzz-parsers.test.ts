/**
 * Every parser that meets bytes or text of strangers, with at least 100,000 seeded inputs each: it answers, or throws one
 * of its documented codes, and never anything else, and never takes long.
 * (The JSON of the classic suite and the vault's records are fuzzed beside their code, in packages/crypto.)
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type DescMessage,
  create,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  AnswerSchema,
  ClientFramesSchema,
  GetServerResponseSchema,
  InboxItemSchema,
  LIMITS,
  RegisterPayloadSchema,
  RegisterRequestSchema,
  RequestCodePayloadSchema,
  RequestCodeRequestSchema,
  SealedSchema,
  ServerCertificateBodySchema,
  ServerFramesSchema,
  SignedDeviceListSchema,
  decode,
  formatFingerprint,
  formatInvite,
  parseBase64,
  parseBase64Url,
  parseDeviceList,
  parseFingerprint,
  parseHex,
  parseId,
  parseIdentifier,
  parseServerAddress,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "@sotto/protocol";
import { expect, test } from "vitest";
import { fuzz, mutatedBytes, mutatedText, withSeed } from "../src/index.ts";

/** Inputs of each parser. */
const COUNT = 100_000;
const TIME_LIMIT_MS = 60_000;

const folder = resolve(import.meta.dirname, "../../../vectors/wire/valid");

/** The valid vectors of one message. */
function vectors(message: string): Uint8Array[] {
  const found = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as { message: string; hex: string })
    .filter((vector) => vector.message === message)
    .map((vector) => parseHex(vector.hex) ?? new Uint8Array());
  if (found.length === 0) throw new Error(`no vector of ${message}`);
  return found;
}

function tell(name: string, report: unknown): void {
  process.stdout.write(`fuzz ${name}: ${JSON.stringify(report)}\n`);
}

const sealed = { wrappedSecret: new Uint8Array(256).fill(1), ciphertext: new Uint8Array(60).fill(2) };
const registration = toBinary(
  RegisterPayloadSchema,
  create(RegisterPayloadSchema, {
    identifier: "+15551230001",
    code: "123456",
    deviceList: { list: new Uint8Array(90).fill(3), signature: new Uint8Array(64).fill(4) },
  }),
);

const messages: [DescMessage, readonly Uint8Array[]][] = [
  [ClientFramesSchema, vectors("ClientFrames")],
  [ServerFramesSchema, vectors("ServerFrames")],
  [SealedSchema, vectors("Sealed")],
  [
    RequestCodeRequestSchema,
    [toBinary(RequestCodeRequestSchema, create(RequestCodeRequestSchema, { sealed }))],
  ],
  [RegisterRequestSchema, [toBinary(RegisterRequestSchema, create(RegisterRequestSchema, { sealed }))]],
  [
    RequestCodePayloadSchema,
    [toBinary(RequestCodePayloadSchema, create(RequestCodePayloadSchema, { identifier: "ann@example.org" }))],
  ],
  [RegisterPayloadSchema, [registration]],
  [AnswerSchema, vectors("Answer")],
  [GetServerResponseSchema, vectors("GetServerResponse")],
  [
    ServerCertificateBodySchema,
    [
      toBinary(
        ServerCertificateBodySchema,
        create(ServerCertificateBodySchema, {
          challengeKey: new Uint8Array(32).fill(5),
          notBeforeSec: 1n,
          notAfterSec: 2n,
        }),
      ),
    ],
  ],
  [InboxItemSchema, vectors("InboxItem")],
  [SignedDeviceListSchema, vectors("SignedDeviceList")],
];

test.each(messages)(
  "%s",
  async (schema, corpus) => {
    const report = await withSeed(0x50770, (random) =>
      fuzz(
        COUNT,
        () => mutatedBytes(random, corpus),
        (input) => {
          const once = toBinary(schema, decode(schema, input));
          if (toHex(toBinary(schema, decode(schema, once))) !== toHex(once))
            throw new Error("re-encodes differently");
        },
        ["malformed", "too_large"],
      ),
    );
    tell(schema.name, report);
    expect(report.executed).toBeGreaterThanOrEqual(100_000);
    expect(report.taken).toBeGreaterThan(0);
    expect(report.refused["malformed"]).toBeGreaterThan(0);
  },
  TIME_LIMIT_MS,
);

const sealedRequest = create(RegisterRequestSchema, { sealed });
const bodies: [string, readonly Uint8Array[], (bytes: Uint8Array) => unknown][] = [
  [
    "binary",
    [toBinary(RegisterRequestSchema, sealedRequest)],
    (bytes) => fromBinary(RegisterRequestSchema, bytes),
  ],
  [
    "JSON",
    [utf8(toJsonString(RegisterRequestSchema, sealedRequest))],
    (bytes) => fromJsonString(RegisterRequestSchema, new TextDecoder().decode(bytes)),
  ],
];

test.each(bodies)(
  "bodies of HTTP requests as Connect reads them: %s",
  async (name, corpus, parse) => {
    // Connect turns every error of the parser into an answer; what must not happen is that the stack or the memory ends.
    const read = (bytes: Uint8Array): unknown => {
      try {
        return parse(bytes);
      } catch (error) {
        if (error instanceof Error && !/call stack|heap|allocation/i.test(error.message)) {
          throw Object.assign(new Error("refused"), { code: "refused" });
        }
        throw error;
      }
    };
    const report = await withSeed(0x50775, (random) =>
      fuzz(COUNT, () => mutatedBytes(random, corpus), read, ["refused"]),
    );
    tell(`HTTP body, ${name}`, report);
    expect(report.refused["refused"]).toBeGreaterThan(0);
  },
  TIME_LIMIT_MS,
);

test(
  "DeviceList and its rules",
  async () => {
    const corpus = [
      ...vectors("DeviceList"),
      ...vectors("SignedDeviceList").map((signed) => decode(SignedDeviceListSchema, signed).list),
    ];
    const report = await withSeed(0x50771, (random) =>
      fuzz(COUNT, () => mutatedBytes(random, corpus), parseDeviceList, ["device_list_invalid"]),
    );
    tell("DeviceList rules", report);
    expect(report.taken).toBeGreaterThan(0);
    expect(report.refused["device_list_invalid"]).toBeGreaterThan(0);
  },
  TIME_LIMIT_MS,
);

test(
  "identifiers: what is taken is short, has one form, and holds nothing that a mail or SMS gateway could stumble over",
  async () => {
    const corpus = [
      "+15551230001",
      "+49 (30) 901820",
      "ann@example.org",
      "Ann.Lee+work@mail.Example.org",
      "+442079460018",
    ];
    const report = await withSeed(0x50772, (random) =>
      fuzz(
        COUNT,
        () => mutatedText(random, corpus),
        (text) => {
          const identifier = parseIdentifier(text);
          const good =
            parseIdentifier(identifier) === identifier &&
            utf8(identifier).length <= LIMITS.maxIdentifierBytes &&
            /^(?:\+[0-9]{4,17}|[!-~]+@[a-z0-9.-]+)$/.test(identifier);
          if (!good) throw new Error(`took ${JSON.stringify(identifier)}`);
        },
        ["identifier_invalid"],
      ),
    );
    tell("identifier", report);
    expect(report.taken).toBeGreaterThan(1_000);
    expect(report.refused["identifier_invalid"]).toBeGreaterThan(1_000);
  },
  TIME_LIMIT_MS,
);

test(
  "invite links and server addresses: what is taken is an http(s) origin and a whole fingerprint",
  async () => {
    const fingerprint = new Uint8Array(32).fill(0xa7);
    const corpus = [
      formatInvite("https://chat.example.org", fingerprint),
      formatInvite("http://127.0.0.1:8443", fingerprint),
      "https://chat.example.org:8443",
      "http://[::1]:80/path?query",
    ];
    const report = await withSeed(0x50773, (random) =>
      fuzz(
        COUNT,
        () => mutatedText(random, corpus),
        (text) => {
          const address = parseServerAddress(text);
          const url = new URL(address.origin);
          const good =
            url.origin === address.origin &&
            /^https?:$/.test(url.protocol) &&
            (address.fingerprint === undefined || address.fingerprint.length === 32) &&
            parseServerAddress(address.origin).origin === address.origin;
          if (!good) throw new Error(`took ${JSON.stringify(address.origin)}`);
        },
        ["usage"],
      ),
    );
    tell("server address", report);
    expect(report.taken).toBeGreaterThan(1_000);
    expect(report.refused["usage"]).toBeGreaterThan(1_000);
  },
  TIME_LIMIT_MS,
);

const texts: [string, string[], (text: string) => Uint8Array | undefined, (bytes: Uint8Array) => string][] = [
  ["fingerprint", [formatFingerprint(new Uint8Array(32).fill(9))], parseFingerprint, formatFingerprint],
  ["id", ["00112233445566778899aabbccddeeff"], parseId, toHex],
  ["hexadecimal", ["00ff", "abcdef0123"], parseHex, toHex],
  ["base64", ["AAECAw==", "////", "+/A="], parseBase64, toBase64],
  ["base64url", ["AAECAw", "____", "-_A"], parseBase64Url, toBase64Url],
];

test.each(texts)(
  "%s: what is taken is written the same again",
  async (name, corpus, parse, format) => {
    const report = await withSeed(0x50774, (random) =>
      fuzz(
        COUNT,
        () => mutatedText(random, corpus),
        (text) => {
          const bytes = parse(text);
          if (bytes === undefined) throw Object.assign(new Error("not taken"), { code: "not taken" });
          if (format(bytes) !== text.trim() && format(bytes) !== text.toLowerCase())
            throw new Error("written differently");
        },
        ["not taken"],
      ),
    );
    tell(name, report);
    expect(report.taken).toBeGreaterThan(0);
    expect(report.refused["not taken"]).toBeGreaterThan(0);
  },
  TIME_LIMIT_MS,
);
