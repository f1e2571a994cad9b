/**
 * The worked example of the specification, computed anew from its text by node:crypto alone, so that somebody who writes
 * another client can rely on it.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  pbkdf2Sync,
  privateDecrypt,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readDocument, root, valuesUnder } from "./documents.ts";

describe("the worked example of spec/PROTOCOL.md, by node:crypto alone", () => {
  const document = readDocument("spec/PROTOCOL.md");

  test("sealing", () => {
    const values = valuesUnder(document, "Sealing a RequestCode");
    const derive = (what: string, salt: Buffer = Buffer.alloc(0)): Buffer =>
      Buffer.from(hkdfSync("sha256", bytes(values["secret"]), salt, `sotto/registration/${what}/v1`, 32));
    expect(derive("request").toString("hex")).toBe(values["request_key"]);
    expect(derive("response", bytes(values["salt"])).toString("hex")).toBe(values["response_key"]);
    const cipher = createCipheriv("aes-256-gcm", derive("request"), Buffer.alloc(12)).setAAD(
      Buffer.from("RequestCode"),
    );
    const parts = [cipher.update(bytes(values["payload"])), cipher.final(), cipher.getAuthTag()];
    expect(Buffer.concat(parts).toString("hex")).toBe(values["ciphertext"]);
  });

  test("a sign-in", () => {
    const values = valuesUnder(document, "A sign-in");
    const content = ["client_nonce", "server_nonce", "fingerprint", "account_id", "device_id"];
    const transcript = Buffer.concat([
      Buffer.from("sotto/sign-in/v1\0"),
      ...content.map((name) => bytes(values[name])),
    ]);
    expect(transcript.toString("hex")).toBe(values["transcript"]);
    const key = ed25519(values["device_seed"]);
    const spki = createPublicKey(key).export({ format: "der", type: "spki" });
    expect(spki.subarray(-32).toString("hex")).toBe(values["device_key"]);
    expect(sign(null, transcript, key).toString("hex")).toBe(values["signature"]);
  });

  test("a safety number", () => {
    const values = valuesUnder(document, "A safety number");
    const one = half(values["identity_one"], values["account_one"]);
    const other = half(values["identity_other"], values["account_other"]);
    expect([one, other].toSorted().join(" ")).toBe(values["number"]);
  });

  test("a request to be added anew, and an ephemeral item", () => {
    const values = valuesUnder(document, "A request to be added anew, and an ephemeral item");
    const number = (name: string, length: number) =>
      bytes(
        BigInt(values[name] ?? "")
          .toString(16)
          .padStart(2 * length, "0"),
      );
    const rejoin = ["log_id", "account_id", "device_id"].map((name) => bytes(values[name]));
    const numbers = [number("made_at_sec", 8), number("epoch", 8), number("reason", 1)];
    const said = [...rejoin, ...numbers, bytes(values["refused_commit"])];
    const asked = Buffer.concat([Buffer.from("sotto/rejoin/v1\0"), ...said]);
    expect(asked.toString("hex")).toBe(values["rejoin"]);
    const key = ed25519(valuesUnder(document, "A sign-in")["device_seed"]);
    expect(sign(null, asked, key).toString("hex")).toBe(values["rejoin_signed"]);
    const signed = [bytes(values["log_id"]), number("epoch", 8), number("leaf_index", 4)];
    signed.push(bytes(values["content"]));
    const typing = Buffer.concat([Buffer.from("sotto/ephemeral/v1\0"), ...signed]);
    expect(typing.toString("hex")).toBe(values["ephemeral"]);
    expect(asked.length).toBe(113);
  });

  test("a link", () => {
    const values = valuesUnder(document, "A link");
    const offer = Buffer.concat([Buffer.from("sotto/link/offer/v1\0"), bytes(values["offer"])]);
    const code = createHash("sha256").update(offer).digest().subarray(0, 10);
    expect(code.toString("hex")).toBe(values["code_bytes"]);
    expect(crockford(values["code_bytes"])).toBe(values["code"]);
    const salt = Buffer.concat([Buffer.from("sotto/link/code/v1\0"), bytes(values["fingerprint"])]);
    const root = pbkdf2Sync(code, salt, 100_000, 32, "sha256");
    expect(root.toString("hex")).toBe(values["root"]);
    const keys = Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), "sotto/link/code/v1", 80));
    const parts = [keys.subarray(0, 16), keys.subarray(16, 48), keys.subarray(48)];
    expect(parts.map((part) => part.toString("hex"))).toEqual(
      ["link_id", "offer_key", "answer_key"].map((name) => values[name]),
    );
    for (const what of ["offer", "answer"]) {
      const nonce = bytes(values[`${what}_nonce`]);
      const cipher = createCipheriv("aes-256-gcm", bytes(values[`${what}_key`]), nonce).setAAD(
        Buffer.from(`sotto/link/${what}/v1`),
      );
      const sealed = [nonce, cipher.update(bytes(values[what])), cipher.final(), cipher.getAuthTag()];
      expect(Buffer.concat(sealed).toString("hex")).toBe(values[`sealed_${what}`]);
    }
  });

  test("a recovery key, and the name of a device", () => {
    const values = valuesUnder(document, "A recovery key, and the name of a device");
    expect(crockford(values["recovery_bytes"])).toBe(values["recovery_key"]);
    const derive = (from: string | undefined, label: string): Buffer =>
      Buffer.from(hkdfSync("sha256", bytes(from), Buffer.alloc(0), label, 32));
    expect(derive(values["recovery_bytes"], "sotto/recovery/v1").toString("hex")).toBe(values["backup_key"]);
    const nonce = bytes(values["name_nonce"]);
    const cipher = createCipheriv("aes-256-gcm", derive(values["backup_key"], "sotto/device-name/v1"), nonce);
    const name = Buffer.alloc(132);
    name.write(values["name"] ?? "");
    const sealed = Buffer.concat([nonce, cipher.update(name), cipher.final(), cipher.getAuthTag()]);
    expect(sealed.toString("hex")).toBe(values["sealed_name"]);
    expect(sealed.length).toBe(160);
  });

  test("a classic message", () => {
    const values = valuesUnder(document, "A classic message");
    const json = /### A classic message[\s\S]*?```json\n([\s\S]*?)```/.exec(document)?.[1] ?? "";
    const { signature = "", ...signed } = JSON.parse(json) as Record<string, string>;
    const vectors = JSON.parse(readFileSync(join(root, "vectors/classic/messages.json"), "utf8")) as {
      keys: Record<string, { public: string; private: string }>;
    };
    const canonical = JSON.stringify(
      Object.fromEntries(Object.entries(signed).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    );
    expect(sha256(canonical)).toBe(values["signed_sha256"]);
    expect(sha256(Buffer.from(signature, "base64"))).toBe(values["message_hash"]);
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const signer = { key: vectors.keys["ann-current"]?.public ?? "", ...pss };
    expect(verify("sha256", Buffer.from(canonical), signer, Buffer.from(signature, "base64"))).toBe(true);
    const wrapped = Buffer.from(signed["encrypted_aes_key"] ?? "", "base64");
    const key = privateDecrypt(
      { key: vectors.keys["ben-current"]?.private ?? "", oaepHash: "sha256" },
      wrapped,
    );
    expect(key.toString("hex")).toBe(values["aes_key"]);
    const content = Buffer.from(signed["encrypted_content"] ?? "", "base64");
    expect(content.subarray(0, 16).toString("hex")).toBe(values["iv"]);
    const decipher = createDecipheriv("aes-256-cfb", key, content.subarray(0, 16));
    expect(decipher.update(content.subarray(16)).toString()).toBe(values["plaintext"]);
  });
});

function bytes(text: string | undefined): Buffer {
  return Buffer.from(text ?? "", "hex");
}

/** A private key from its seed. */
function ed25519(seed: string | undefined): KeyObject {
  const pkcs8 = Buffer.concat([bytes("302e020100300506032b657004220420"), bytes(seed)]);
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
}

/** Crockford's base32 in groups of four. */
function crockford(hex: string | undefined): string {
  const bits = [...bytes(hex)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = (bits.match(/.{5}/g) ?? []).map(
    (five) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number.parseInt(five, 2)],
  );
  return (letters.join("").match(/.{4}/g) ?? []).join("-");
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

/** One side's half of a safety number. */
function half(identity: string | undefined, account: string | undefined): string {
  const material = Buffer.concat([bytes(identity), bytes(account)]);
  const derived = pbkdf2Sync(material, "sotto/safety-number/v1", 100_000, 30, "sha256");
  const groups = [0, 5, 10, 15, 20, 25].map((at) => derived.readUIntBE(at, 5) % 100_000);
  return groups.map((group) => String(group).padStart(5, "0")).join(" ");
}
