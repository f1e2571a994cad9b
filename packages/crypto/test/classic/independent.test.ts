/**
 * Others open ours: PyCryptodome by vectors/classic/open.py, and the openssl command. Skipped where the one or the other is
 * not installed; without PyCryptodome it fails in CI, since the check must not be lost unseen.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBase64, toHex, utf8 } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { classicSignedBytes, parseClassicAddress, parseClassicMessage } from "../../src/classic/format.ts";
import { encodeClassicPlaintext } from "../../src/classic/plaintext.ts";
import { type ProtectedClassicMessage, protectClassic } from "../../src/classic/protect.ts";
import type { CryptoProvider } from "../../src/provider.ts";
import { providers } from "../support/providers.ts";
import { key, vectorFolder, vectors } from "../support/vectors.ts";

const python = "/usr/bin/python3";
const opensslCommand = "openssl";
const ann = key("ann-current");
const ben = key("ben-current");

const bodies = ["", "Hello", "Grüße, 世界 🔑", "x".repeat(4_097), '"\\\u0000\u2028', "y".repeat(60_000)];
const plaintexts = bodies.map((body, index) =>
  encodeClassicPlaintext({
    type: "text",
    body,
    id: "0123456789abcdef".repeat(2),
    from: "+15551230001",
    n: index + 1,
  }),
);

const openssl = (...args: readonly string[]) => spawnSync(opensslCommand, args);

function protect(provider: CryptoProvider, plaintext: Uint8Array): Promise<ProtectedClassicMessage> {
  return protectClassic(provider, {
    sender: parseClassicAddress(vectors.sender_devices[0]!.address)!,
    recipient: parseClassicAddress(vectors.self)!,
    recipientKey: ben.publicKey,
    senderPrivateKey: ann.privateKey,
    timestampSec: vectors.now,
    plaintext,
  });
}

function needPyCryptodome(skip: (why: string) => void): void {
  const probe = spawnSync(python, ["-B", "-c", "import suite"], { cwd: vectorFolder, encoding: "utf8" });
  if (probe.status === 0) return;
  if (process.env.CI) throw new Error("in CI this test needs python3-pycryptodome for /usr/bin/python3");
  skip("python3-pycryptodome is not installed for /usr/bin/python3, so nothing was cross-checked with it");
}

test("the vectors are what generate.py makes, byte for byte", { timeout: 60_000 }, ({ skip }) => {
  needPyCryptodome(skip);
  const made = spawnSync(python, ["-B", "generate.py", "--check"], { cwd: vectorFolder, encoding: "utf8" });
  expect(made).toMatchObject({ status: 0, stdout: "messages.json is what generate.py makes\n" });
});

describe.each(providers)("messages made by $name", (provider) => {
  test("PyCryptodome verifies and opens them", async ({ skip }) => {
    needPyCryptodome(skip);
    const made = await Promise.all(plaintexts.map((plaintext) => protect(provider, plaintext)));
    const lines = made.map(({ json }) =>
      JSON.stringify({
        message: json,
        sender_public_pem: ann.pem.public,
        recipient_private_pem: ben.pem.private,
      }),
    );
    const { stdout, stderr, status } = spawnSync(python, ["-B", "open.py"], {
      cwd: vectorFolder,
      input: `${lines.join("\n")}\n`,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.trim().split("\n")).toEqual(plaintexts.map((plaintext) => toBase64(plaintext)));
    // And the check can fail.
    const altered = lines[1]!.replace(
      /(encrypted_content\\":\\")(.)/,
      (_, before, char) => before + (char === "A" ? "B" : "A"),
    );
    expect(altered).not.toBe(lines[1]);
    const wrong = spawnSync(python, ["-B", "open.py"], {
      cwd: vectorFolder,
      input: altered,
      encoding: "utf8",
    });
    expect(wrong.status).not.toBe(0);
  });

  test("the openssl command verifies and opens them", async ({ skip }) => {
    if (openssl("version").status !== 0) skip("the openssl command is not installed");
    const folder = mkdtempSync(join(tmpdir(), "sotto-classic-"));
    try {
      const message = parseClassicMessage(utf8((await protect(provider, plaintexts[2]!)).json));
      const file = (name: string, content: string | Uint8Array): string => {
        writeFileSync(join(folder, name), content);
        return join(folder, name);
      };
      const signed = file("signed", classicSignedBytes(message));
      const signature = file("signature", message.signature);
      const annPublic = file("ann.pem", ann.pem.public);
      const pss = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
      const verified = openssl("dgst", ...pss, "-verify", annPublic, "-signature", signature, signed);
      expect(verified.stdout.toString()).toBe("Verified OK\n");

      const benPrivate = file("ben.pem", ben.pem.private);
      const wrapped = file("wrapped", message.encryptedKey);
      const oaep = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"].flatMap((o) => [
        "-pkeyopt",
        o,
      ]);
      const aesKey = openssl("pkeyutl", "-decrypt", "-inkey", benPrivate, "-in", wrapped, ...oaep).stdout;
      expect(aesKey.length).toBe(32);
      const ciphertext = file("ciphertext", message.ciphertext);
      const cfb = ["-K", toHex(aesKey), "-iv", toHex(message.iv), "-in", ciphertext];
      const { stdout } = openssl("enc", "-d", "-aes-256-cfb", ...cfb);
      expect(toBase64(stdout)).toBe(toBase64(plaintexts[2]!));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
