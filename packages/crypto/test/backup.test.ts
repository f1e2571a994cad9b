/** Backup files: what is sealed comes back, and nothing that was altered, moved, cut off or added does. */
import { concatBytes, utf8 } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import {
  BACKUP_CHUNK_BYTES,
  BACKUP_HEADER_BYTES,
  SEALED_BACKUP_CHUNK_BYTES,
  openBackup,
  sealBackup,
} from "../src/backup.ts";
import { createVault, openVault } from "../src/vault.ts";
import { codeOf, flipped } from "./support/bytes.ts";
import { pairs, providers } from "./support/providers.ts";

const [provider] = providers;
if (provider === undefined) throw new Error("no provider");

/** A file with these contents of chunks. */
async function written(by = provider!, contents: readonly Uint8Array[], passphrase = "right") {
  const sealer = await sealBackup(by, passphrase);
  const chunks: Uint8Array[] = [];
  for (const [i, content] of contents.entries()) {
    chunks.push(await sealer.seal(content, i === contents.length - 1));
  }
  return { header: sealer.header, chunks };
}

/** What a file holds. */
async function read(at = provider!, header: Uint8Array, chunks: readonly Uint8Array[], passphrase = "right") {
  const opener = await openBackup(at, header, passphrase);
  const contents: Uint8Array[] = [];
  for (const [i, chunk] of chunks.entries()) contents.push(await opener.open(chunk, i === chunks.length - 1));
  return concatBytes(...contents);
}

const full = new Uint8Array(BACKUP_CHUNK_BYTES).map((_, i) => i % 251);
const short = utf8("the rest");

describe.each(pairs)("made by $by.name, opened by $at.name", ({ by, at }) => {
  test.each([
    ["nothing", [new Uint8Array()]],
    ["one short chunk", [short]],
    ["one full chunk", [full]],
    ["full chunks and a short one", [full, full, short]],
  ] as const)("%s comes back", async (_, contents) => {
    const { header, chunks } = await written(by, contents);
    expect(await read(at, header, chunks)).toEqual(concatBytes(...contents));
    expect(chunks[0]?.length).toBe((contents[0]?.length ?? 0) + 16);
  });
});

describe("a backup file", () => {
  test("opens with its passphrase only, in whichever Unicode form it was typed", async () => {
    const { header, chunks } = await written(provider, [short], "caf\u00e9");
    expect(await codeOf(() => read(provider, header, chunks, "wrong"))).toBe("passphrase_wrong");
    expect(await read(provider, header, chunks, "cafe\u0301")).toEqual(short);
    expect(await codeOf(() => sealBackup(provider, ""))).toBe("usage");
  });

  test("every byte of the header counts", async () => {
    const { header, chunks } = await written(provider, [short]);
    expect(header.length).toBe(BACKUP_HEADER_BYTES);
    for (let index = 0; index < header.length; index++) {
      const altered = flipped(header, index, index % 8);
      expect(await codeOf(() => read(provider, altered, chunks))).toBe("backup_damaged");
    }
  });

  test("every byte of a chunk counts", async () => {
    const { header, chunks } = await written(provider, [short]);
    const [only] = chunks;
    const opener = (): ReturnType<typeof openBackup> => openBackup(provider, header, "right");
    expect(only).toBeDefined();
    for (let index = 0; index < (only?.length ?? 0); index++) {
      const altered = flipped(only ?? short, index, index % 8);
      const opened = await opener();
      expect(await codeOf(() => opened.open(altered, true))).toBe("backup_damaged");
    }
  }, 60_000);

  test("chunks open at their own place only: none may be left out, turned around, repeated or cut off", async () => {
    const { header, chunks } = await written(provider, [full, full, short]);
    const [one, two, three] = chunks as [Uint8Array, Uint8Array, Uint8Array];
    const wrong: readonly (readonly Uint8Array[])[] = [
      [two, one, three],
      [one, three],
      [one, two],
      [one, one, three],
      [one, two, three.subarray(0, -1)],
      [one.subarray(0, -1), two, three],
      [one, two, three, three],
      [three],
    ];
    for (const others of wrong) {
      expect(await codeOf(() => read(provider, header, others))).toBe("backup_damaged");
    }
    // Of another file under the same passphrase.
    const other = await written(provider, [full, full, short]);
    expect(await codeOf(() => read(provider, other.header, chunks))).toBe("backup_damaged");
    expect(one.length).toBe(SEALED_BACKUP_CHUNK_BYTES);
  });

  test("nothing is sealed after the last chunk, nor one of a wrong length", async () => {
    const sealer = await sealBackup(provider, "right");
    expect(await codeOf(() => sealer.seal(short, false))).toBe("usage");
    await sealer.seal(short, true);
    expect(await codeOf(() => sealer.seal(short, true))).toBe("usage");
  });

  test("a vault's header is no backup's, and the other way round", async () => {
    const { header } = await written(provider, [short]);
    expect(await codeOf(() => openVault(provider, header, "right"))).toBe("vault_damaged");
    const vault = await createVault(provider, "right");
    expect(await codeOf(() => openBackup(provider, vault.header, "right"))).toBe("backup_damaged");
  });

  test("one that a newer version wrote is told from a damaged one", async () => {
    const { header } = await written(provider, [short]);
    const body = header.slice(0, -32);
    body[8] = 2;
    const newer = concatBytes(body, await provider.sha256(body));
    expect(await codeOf(() => openBackup(provider, newer, "right"))).toBe("backup_foreign");
  });
});
