/** The vault: what it keeps, what it refuses, and how it tells damage from a wrong passphrase. */
import { concatBytes, toHex, utf8 } from "@sotto/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  PASSKEY_WRAP_BYTES,
  createVault,
  openPasskeyWrap,
  openVault,
  parseVaultHeader,
  rewrapVault,
  sealPasskeyWrap,
  unwrapVaultKey,
  vaultOfKey,
} from "../src/vault.ts";
import { PASSPHRASE_HEADER_BYTES } from "../src/passphrase-header.ts";
import { codeOf, flipped } from "./support/bytes.ts";
import { pairs, providers } from "./support/providers.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const recordKey = utf8("record");

/** Sets the iterations of a header and makes its check fit again. */
async function withIterations(header: Uint8Array, iterations: number): Promise<Uint8Array> {
  const changed = header.slice();
  new DataView(changed.buffer).setUint32(10, iterations);
  changed.set(await providers[0]!.sha256(changed.subarray(0, 90)), 90);
  return changed;
}

describe.each(pairs)("made by $by.name, opened by $at.name", ({ by, at }) => {
  test("records come back, under their own key only", async () => {
    const made = await createVault(by, "correct horse");
    const opened = await openVault(at, made.header, "correct horse");
    const holds = fc.asyncProperty(bytes, bytes, fc.nat(), async (storageKey, plaintext, flip) => {
      const sealed = await made.vault.seal(storageKey, plaintext);
      expect(sealed.length).toBe(plaintext.length + 29);
      expect(await opened.open(storageKey, sealed)).toEqual(plaintext);
      expect(await made.vault.blind(storageKey)).toEqual(await opened.blind(storageKey));
      const altered = flipped(sealed, flip % sealed.length, flip % 8);
      expect(await codeOf(() => opened.open(storageKey, altered))).toBe("vault_damaged");
      expect(await codeOf(() => opened.open(utf8("another key of 23 bytes"), sealed))).toBe("vault_damaged");
      expect(await codeOf(() => opened.open(storageKey, sealed.subarray(0, -1)))).toBe("vault_damaged");
    });
    await fc.assert(holds, { seed: 1, numRuns: 25 });
  });

  test("a changed passphrase keeps the records and retires the old one", async () => {
    const made = await createVault(by, "old");
    const sealed = await made.vault.seal(recordKey, utf8("kept"));
    const header = await rewrapVault(at, made.header, "old", "new");
    expect(await (await openVault(by, header, "new")).open(recordKey, sealed)).toEqual(utf8("kept"));
    expect(await codeOf(() => openVault(by, header, "old"))).toBe("passphrase_wrong");
    expect(toHex(header.subarray(14, 30))).not.toBe(toHex(made.header.subarray(14, 30)));
  });
});

describe.each(pairs)("a passkey, made by $by.name, used at $at.name", ({ by, at }) => {
  const secret = new Uint8Array(32).fill(7);
  const id = utf8("credential");

  test("opens the vault beside the passphrase, whatever becomes of that", async () => {
    const made = await createVault(by, "old");
    const sealed = await made.vault.seal(recordKey, utf8("kept"));
    const wrap = await sealPasskeyWrap(by, await unwrapVaultKey(by, made.header, "old"), secret, id);
    expect(wrap.length).toBe(PASSKEY_WRAP_BYTES);
    await rewrapVault(at, made.header, "old", "new");
    const vault = await vaultOfKey(at, await openPasskeyWrap(at, wrap, secret, id));
    expect(await vault.open(recordKey, sealed)).toEqual(utf8("kept"));
  });

  test("does not with another secret, another passkey, or an altered wrap", async () => {
    const wrap = await sealPasskeyWrap(by, new Uint8Array(32).fill(1), secret, id);
    const wrong: readonly (readonly [Uint8Array, Uint8Array, Uint8Array])[] = [
      [wrap, flipped(secret, 0, 0), id],
      [wrap, secret, utf8("another")],
      [wrap.subarray(1), secret, id],
      ...Array.from(wrap, (_, index) => [flipped(wrap, index, 0), secret, id] as const),
    ];
    for (const given of wrong) {
      expect(await codeOf(() => openPasskeyWrap(at, ...given))).toBe("passphrase_wrong");
    }
    expect(await codeOf(() => openPasskeyWrap(at, wrap, secret.subarray(1), id))).toBe("usage");
  });
});

describe("refusals", () => {
  const provider = providers[0]!;

  test("a wrong passphrase is told from damage, wherever a bit was turned", async () => {
    const { header } = await createVault(provider, "right");
    expect(header.length).toBe(PASSPHRASE_HEADER_BYTES);
    expect(await codeOf(() => openVault(provider, header, "wrong"))).toBe("passphrase_wrong");
    expect(await codeOf(() => openVault(provider, header, ""))).toBe("passphrase_wrong");
    for (let index = 0; index < header.length; index++) {
      const altered = flipped(header, index, index % 8);
      expect(await codeOf(() => openVault(provider, altered, "right"))).toBe("vault_damaged");
    }
    for (const length of [0, 1, 121, 123]) {
      const cut = new Uint8Array(length);
      cut.set(header.subarray(0, length));
      expect(await codeOf(() => openVault(provider, cut, "right"))).toBe("vault_damaged");
    }
  });

  test("a whole header of a newer version, or with a newer derivation, is told from a damaged one", async () => {
    const { header } = await createVault(provider, "right");
    const body = header.subarray(0, -32);
    const newer = [
      concatBytes(body.subarray(0, 8), Uint8Array.of(2), body.subarray(9)),
      concatBytes(body.subarray(0, 9), Uint8Array.of(2), body.subarray(10)),
      concatBytes(body.subarray(0, 8), Uint8Array.of(3, 7), new Uint8Array(200)),
    ];
    for (const changed of newer) {
      const whole = concatBytes(changed, await provider.sha256(changed));
      expect(await codeOf(() => openVault(provider, whole, "right"))).toBe("vault_foreign");
      expect(await codeOf(() => rewrapVault(provider, whole, "right", "new"))).toBe("vault_foreign");
      expect(await codeOf(() => openVault(provider, flipped(whole, 20, 1), "right"))).toBe("vault_damaged");
    }
  });

  test("iterations are bounded even when the check fits", async () => {
    const { header } = await createVault(provider, "right");
    for (const iterations of [0, 1, 599_999, 10_000_001, 0xffff_ffff]) {
      const changed = await withIterations(header, iterations);
      expect(await codeOf(() => openVault(provider, changed, "right"))).toBe("vault_damaged");
    }
    expect(parseVaultHeader(await withIterations(header, 10_000_000)).iterations).toBe(10_000_000);
    // More of them than it was made with: another key, so it does not open.
    expect(
      await codeOf(async () => openVault(provider, await withIterations(header, 600_001), "right")),
    ).toBe("passphrase_wrong");
  });

  test("changing the passphrase needs the present one and a new one", async () => {
    const { header } = await createVault(provider, "right");
    expect(await codeOf(() => rewrapVault(provider, header, "wrong", "new"))).toBe("passphrase_wrong");
    expect(await codeOf(() => rewrapVault(provider, header, "right", ""))).toBe("usage");
    expect(await codeOf(() => createVault(provider, ""))).toBe("usage");
  });
});

describe("properties of a vault", () => {
  const provider = providers[0]!;

  test("it does not matter how an accented letter was typed", async () => {
    const { header } = await createVault(provider, "caf\u00e9");
    expect(await codeOf(() => openVault(provider, header, "cafe\u0301"))).toBe("nothing was thrown");
  });

  test("vaults share nothing, and nothing repeats", async () => {
    const [one, two] = [await createVault(provider, "same"), await createVault(provider, "same")];
    const sealed = await one.vault.seal(recordKey, utf8("x"));
    expect(await codeOf(() => two.vault.open(recordKey, sealed))).toBe("vault_damaged");
    expect(await one.vault.blind("name")).not.toEqual(await two.vault.blind("name"));
    const nonces = await Promise.all(Array.from({ length: 100 }, () => one.vault.seal(recordKey, utf8("x"))));
    expect(new Set(nonces.map((record) => toHex(record.subarray(1, 13)))).size).toBe(100);
  });

  test("names are blinded, as text and as bytes alike, to the length asked for", async () => {
    const { vault } = await createVault(provider, "x");
    const whole = await vault.blind("contact/+15551230001");
    expect(whole.length).toBe(32);
    expect(await vault.blind(utf8("contact/+15551230001"), 8)).toEqual(whole.slice(0, 8));
    expect(toHex(whole)).not.toContain(toHex(utf8("+15551230001")));
    for (const length of [0, 33, 1.5]) expect(await codeOf(() => vault.blind("x", length))).toBe("usage");
  });
});
