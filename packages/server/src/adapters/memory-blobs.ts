/** What is known of blobs, and their bytes, in memory: for tests and trials. */
import { toHex } from "@sotto/protocol";
import type { BlobFiles } from "../core/blobs/files.ts";
import type { BlobRecord, BlobStore } from "../core/blobs/store.ts";

/** The records of the memory store. */
export class MemoryBlobs {
  readonly #records = new Map<string, BlobRecord>();

  create(blob: BlobRecord, maxBytes: number): Awaited<ReturnType<BlobStore["createBlob"]>> {
    if (this.#records.has(toHex(blob.id))) return "exists";
    if (this.stats().bytes + blob.size > maxBytes) return "full";
    this.#records.set(toHex(blob.id), structuredClone(blob));
    return "created";
  }

  read(id: Uint8Array): BlobRecord | undefined {
    return this.#records.get(toHex(id));
  }

  advance(id: Uint8Array, received: number): boolean {
    const record = this.#records.get(toHex(id));
    if (record !== undefined && record.received < received)
      this.#records.set(toHex(id), { ...record, received });
    return record !== undefined;
  }

  delete(id: Uint8Array): boolean {
    return this.#records.delete(toHex(id));
  }

  expired(beforeSec: number, unfinishedBeforeSec: number, limit: number): readonly Uint8Array[] {
    return [...this.#records.values()]
      .filter(
        ({ storedAtSec, received, size }) =>
          storedAtSec < beforeSec || (storedAtSec < unfinishedBeforeSec && received < size),
      )
      .map(({ id }) => id)
      .slice(0, limit);
  }

  stats(): Awaited<ReturnType<BlobStore["blobStats"]>> {
    const bytes = [...this.#records.values()].reduce((sum, { size }) => sum + size, 0);
    return { blobs: this.#records.size, bytes };
  }
}

interface MemoryFile {
  bytes: Uint8Array;
  finished: boolean;
}

/** Bytes of blobs in memory. */
export class MemoryBlobFiles implements BlobFiles {
  readonly #files = new Map<string, MemoryFile>();

  async write(id: Uint8Array, offset: number, body: AsyncIterable<Uint8Array>): Promise<number | undefined> {
    const file = this.#files.get(toHex(id)) ?? { bytes: new Uint8Array(), finished: false };
    if (file.bytes.length < offset) return undefined;
    this.#files.set(toHex(id), file);
    let at = offset;
    for await (const bytes of body) {
      const grown = new Uint8Array(Math.max(file.bytes.length, at + bytes.length));
      grown.set(file.bytes);
      grown.set(bytes, at);
      file.bytes = grown;
      at += bytes.length;
    }
    return at - offset;
  }

  async finish(id: Uint8Array): Promise<void> {
    const file = this.#files.get(toHex(id));
    if (file !== undefined) file.finished = true;
  }

  async read(id: Uint8Array, from: number, to: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = this.#files.get(toHex(id));
    if (file === undefined || !file.finished || file.bytes.length < to) return undefined;
    return once(file.bytes.slice(from, to));
  }

  async remove(id: Uint8Array): Promise<void> {
    this.#files.delete(toHex(id));
  }

  async list(firstByte: number): Promise<readonly Uint8Array[]> {
    const ids = [...this.#files.keys()].map((key) => Uint8Array.from(Buffer.from(key, "hex")));
    return ids.filter((id) => id[0] === firstByte);
  }

  async freeBytes(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
