/** PEM: the same text as openssl writes, strict when read; and the keys of the classic suite in it. */
import { describe, expect, test } from "vitest";
import {
  exportPrivateKey,
  exportPublicKey,
  generateClassicKey,
  importPrivateKey,
  importPublicKey,
} from "../src/classic/keys.ts";
import { formatPem, parsePem } from "../src/pem.ts";
import { codeOf } from "./support/bytes.ts";
import { providers } from "./support/providers.ts";
import { key } from "./support/vectors.ts";

test("writes what others wrote", () => {
  const { pem, publicKey, privateKey } = key("mallory");
  expect(exportPublicKey(publicKey)).toBe(pem.public);
  expect(exportPrivateKey(privateKey)).toBe(pem.private);
});

test("reads other line ends and blank space around", () => {
  const { pem, publicKey } = key("mallory");
  expect(importPublicKey(`\n\n${pem.public.replaceAll("\n", "\r\n")}  \n`)).toEqual(publicKey);
});

test.each([
  ["nothing", ""],
  ["no PEM", "hello"],
  ["a private key in place of a public one", key("mallory").pem.private],
  ["an empty block", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"],
  ["one line for both ends", "-----BEGIN PUBLIC KEY-----"],
  ["something in front", `x\n${key("mallory").pem.public}`],
  ["two blocks", key("mallory").pem.public.repeat(2)],
  ["no end", key("mallory").pem.public.replace("-----END PUBLIC KEY-----", "")],
  ["other characters", key("mallory").pem.public.replace("MII", "M_I")],
  ["too much", `-----BEGIN PUBLIC KEY-----\n${"A".repeat(10_000)}\n-----END PUBLIC KEY-----`],
])("refuses %s", async (_name, text) => {
  expect(await codeOf(() => parsePem("PUBLIC KEY", text))).toBe("usage");
});

describe.each(providers)("keys on $name", (provider) => {
  test("go out and in again", async () => {
    const pair = await generateClassicKey(provider);
    expect(importPublicKey(exportPublicKey(pair.publicKey))).toEqual(pair.publicKey);
    expect(await importPrivateKey(provider, exportPrivateKey(pair.privateKey))).toEqual(pair.privateKey);
  });

  test("only RSA-2048 is taken", async () => {
    const other = formatPem("PRIVATE KEY", new Uint8Array(64));
    expect(await codeOf(() => importPrivateKey(provider, other))).toBe("key_invalid");
    expect(await codeOf(() => importPublicKey(formatPem("PUBLIC KEY", new Uint8Array(294))))).toBe(
      "key_invalid",
    );
  });
});
