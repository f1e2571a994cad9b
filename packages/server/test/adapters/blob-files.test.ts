/** The adapters for the bytes of blobs: the conformance suite, and what only a folder can get wrong. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blobFilesConformance } from "@sotto/testkit/blob-conformance";
import { folderBlobs } from "../../src/adapters/folder-blobs.ts";
import { MemoryBlobFiles } from "../../src/adapters/memory-blobs.ts";
import { temporaryFolder } from "../support/temporary.ts";

const noon = 1_800_014_400_000;
let folder = "";
const openFolder = () => folderBlobs(folder, () => noon);

blobFilesConformance(
  "memory",
  () => new MemoryBlobFiles(),
  (files) => files,
);
blobFilesConformance(
  "folder",
  () => {
    folder = join(temporaryFolder(), "blobs");
    return openFolder();
  },
  openFolder,
);

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
const id = Uint8Array.from({ length: 32 }, (_, i) => i);
const filesIn = (path: string): string[] => readdirSync(path, { recursive: true, encoding: "utf8" });

test("a folder holds ab/cdef…, for its owner only, and keeps no time finer than a day", async () => {
  folder = join(temporaryFolder(), "blobs");
  const files = openFolder();
  await files.write(id, 0, one(new Uint8Array(10)));
  const name = Buffer.from(id.subarray(1)).toString("hex");
  expect(filesIn(folder)).toEqual(["00", join("00", `${name}.part`)]);
  await files.finish(id);
  expect(filesIn(folder)).toEqual(["00", join("00", name)]);
  const stat = statSync(join(folder, "00", name));
  expect(stat.mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "00")).mode & 0o777).toBe(0o700);
  expect([stat.mtimeMs % 86_400_000, stat.atimeMs % 86_400_000]).toEqual([0, 0]);
});

test("foreign names in the folder are passed over", async () => {
  folder = join(temporaryFolder(), "blobs");
  mkdirSync(join(folder, "00"), { recursive: true });
  for (const name of ["notes.txt", "0".repeat(63), `${"0".repeat(62)}.old`])
    writeFileSync(join(folder, "00", name), "");
  expect(await openFolder().list(0)).toEqual([]);
});

test("a storage that fails is a typed error", async () => {
  const file = join(temporaryFolder(), "a file");
  writeFileSync(file, "");
  const files = folderBlobs(file, () => noon);
  await expect(files.write(id, 0, one(new Uint8Array(1)))).rejects.toMatchObject({ code: "unavailable" });
  await expect(files.freeBytes()).rejects.toMatchObject({ code: "unavailable" });
});
