/**
 * Blobs: opaque bytes that whoever knows a token may read, write or delete. Nothing here knows an account; only a ticket, which a
 * session gives out and nobody ties to it, lets one begin.
 *
 * Invariants: what is acknowledged is durable; a blob is read only when it is whole; one request at a time writes to a blob, and
 * a newer one puts an end to an older; whatever is wrong with an id or token, the answer is the same.
 * @see spec/PROTOCOL.md "Blobs"
 */
import {
  BLOB_TOKEN_BYTES,
  CodecError,
  LIMITS,
  SottoError,
  ValidationError,
  blobIdTranscript,
  toHex,
} from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";
import type { BlobEvents } from "../events.ts";
import { endOfDaySec } from "../logs/day.ts";
import type { AskBlobTicketFields, BlobTicketFields, BlobTicketPort } from "../session/ports.ts";
import type { BlobFiles } from "./files.ts";
import type { BlobRecord, BlobStore } from "./store.ts";
import type { TransientStore } from "../transient.ts";
import { BlobTickets } from "./tickets.ts";

/** What the desk works with. */
export interface BlobDeps {
  readonly store: BlobStore;
  readonly transient: TransientStore;
  readonly files: BlobFiles;
  readonly crypto: ServerCrypto;
  readonly events: BlobEvents;
  readonly nowMs: () => number;
  /** Size of the largest blob; 0 takes none. */
  readonly maxBlobBytes: number;
  /** Most bytes of all blobs together. */
  readonly quotaBytes: number;
}

/** A part of a blob, as it comes in. */
export interface BlobPart {
  readonly id: Uint8Array;
  readonly writeToken: Uint8Array;
  /** Size of the whole blob. */
  readonly size: number;
  /** Where the part begins. */
  readonly offset: number;
  /** Needed to begin. */
  readonly ticket: Uint8Array | undefined;
  /** How many bytes `body` is to bring. */
  readonly length: number;
  /** May throw when the connection breaks: what came before counts. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** How far an upload is. */
export interface BlobProgress {
  readonly received: number;
  readonly size: number;
}

// The database lies on the same disk, and must not be the one that finds it full.
const keptFreeBytes = 268_435_456;

/** The desk for blobs. */
export class Blobs implements BlobTicketPort {
  readonly #deps: BlobDeps;
  readonly #tickets: BlobTickets;
  /** Who writes to which blob now: aborting it ends that, and `ended` resolves when it did. */
  readonly #writers = new Map<string, { readonly abort: AbortController; readonly ended: Promise<void> }>();

  constructor(deps: BlobDeps) {
    this.#deps = deps;
    this.#tickets = new BlobTickets(deps.transient, deps.crypto);
  }

  /** Size of the largest blob that is taken. */
  get maxBlobBytes(): number {
    return this.#deps.maxBlobBytes;
  }

  /** @throws SottoError `malformed`, `too_large`. */
  checkSize(size: number): void {
    if (size === 0) throw new CodecError("malformed", "a blob has a byte at least");
    const { maxBlobBytes } = this.#deps;
    if (size > maxBlobBytes)
      throw new CodecError("too_large", `a blob may have ${maxBlobBytes} bytes at most`);
  }

  /** Gives out a ticket. Whoever asks was charged for it. @throws SottoError `malformed`, `too_large`. */
  async ticket({ request, size }: AskBlobTicketFields): Promise<BlobTicketFields> {
    const bytes = Number(size);
    this.checkSize(bytes);
    const ticket = await this.#tickets.issue(bytes, this.#deps.nowMs());
    return { request, ticket, expiresInSec: LIMITS.blobTicketSec };
  }

  /**
   * Takes a part. Resolves with how much of the blob is durable, which is less than was to come when the connection broke.
   * @throws SottoError `malformed`, `too_large`, `ticket_refused`, `blob_space`, `blob_conflict` with where the upload stands,
   * `blob_unknown`, `unavailable`.
   */
  async put(part: BlobPart): Promise<number> {
    this.#checkPart(part);
    const record = (await this.#writable(part.id, part.writeToken)) ?? (await this.#begin(part));
    if (record.size !== part.size) throw new CodecError("malformed", "the blob was begun with another size");
    const turn = await this.#takeTurn(toHex(part.id));
    try {
      return await this.#write(part, turn.signal);
    } finally {
      turn.end();
    }
  }

  /** Puts an end to who writes to a blob, and is the one who does from then on. */
  async #takeTurn(key: string): Promise<{ readonly signal: AbortSignal; end(): void }> {
    for (let writer = this.#writers.get(key); writer !== undefined; writer = this.#writers.get(key)) {
      writer.abort.abort();
      await writer.ended;
    }
    const abort = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#writers.set(key, { abort, ended });
    const end = (): void => {
      this.#writers.delete(key);
      resolve();
    };
    return { signal: abort.signal, end };
  }

  #checkPart({ writeToken, size, offset, length }: BlobPart): void {
    if (writeToken.length !== BLOB_TOKEN_BYTES) throw new CodecError("malformed", "a token has 32 bytes");
    this.checkSize(size);
    if (length > LIMITS.maxBlobPartBytes) {
      throw new CodecError("too_large", `a part may have ${LIMITS.maxBlobPartBytes} bytes at most`);
    }
    if (offset + length > size) throw new CodecError("malformed", "the part reaches beyond the blob's end");
  }

  async #begin({ id, writeToken, size, offset, ticket }: BlobPart): Promise<BlobRecord> {
    const { store, files, crypto, nowMs, quotaBytes } = this.#deps;
    if (ticket === undefined || offset > 0) throw unknown();
    if (!(await this.#tickets.isGood(ticket, size))) {
      throw new ValidationError("ticket_refused", "the ticket is used, too old, or for a smaller blob");
    }
    const record: BlobRecord = {
      id,
      writeHash: crypto.sha256(writeToken),
      size,
      received: 0,
      storedAtSec: endOfDaySec(nowMs()),
    };
    if ((await files.freeBytes()) - size < keptFreeBytes) throw noSpace();
    // Used up before anything is made: two that come at once with one ticket make one blob.
    if (!(await this.#tickets.use(ticket))) throw new ValidationError("ticket_refused", "the ticket is used");
    const outcome = await store.createBlob(record, quotaBytes);
    if (outcome === "full") throw noSpace();
    if (outcome === "exists") throw unknown();
    return record;
  }

  async #write({ id, size, offset, length, body }: BlobPart, signal: AbortSignal): Promise<number> {
    const { store, files, events } = this.#deps;
    const received = (await store.readBlob(id))?.received;
    if (received === undefined) throw unknown();
    await this.#finish(id, received, size);
    if (offset !== received) throw conflict(received);
    if (length === 0) return received;
    const written = await files.write(id, offset, untilBroken(body, length, signal));
    const now = offset + (written ?? 0);
    // Undefined: the storage was restored without what lay before. False: the blob was deleted meanwhile.
    if (written === undefined || !(await store.advanceBlob(id, now))) {
      await store.deleteBlob(id);
      await files.remove(id);
      throw unknown();
    }
    await this.#finish(id, now, size);
    events.blobReceived(written, now === size);
    return now;
  }

  /** How far an upload is. @throws SottoError `blob_unknown`, `unavailable`. */
  async progress(id: Uint8Array, writeToken: Uint8Array): Promise<BlobProgress> {
    const record = await this.#writable(id, writeToken);
    if (record === undefined) throw unknown();
    await this.#finish(id, record.received, record.size);
    return { received: record.received, size: record.size };
  }

  /** Whoever is told that all is there finds it finished, also after a crash between its last byte and this. */
  async #finish(id: Uint8Array, received: number, size: number): Promise<void> {
    if (received === size) await this.#deps.files.finish(id);
  }

  /** The size of a whole blob. @throws SottoError `blob_unknown`. */
  async sizeOf(id: Uint8Array, readToken: Uint8Array): Promise<number> {
    const { store, crypto } = this.#deps;
    const given =
      readToken.length === BLOB_TOKEN_BYTES ? crypto.sha256(blobIdTranscript(readToken)) : readToken;
    const record = await store.readBlob(id);
    if (!crypto.equalSecrets(given, id) || record === undefined || record.received < record.size)
      throw unknown();
    return record.size;
  }

  /** The bytes of a whole blob, from `from` up to `to`. @throws SottoError `blob_unknown`, `unavailable`. */
  async read(id: Uint8Array, from: number, to: number): Promise<AsyncIterable<Uint8Array>> {
    const { files, store } = this.#deps;
    const found = await files.read(id, from, to);
    if (found !== undefined) return found;
    // A crash between the last byte and its name.
    await files.finish(id);
    const finished = await files.read(id, from, to);
    if (finished !== undefined) return finished;
    // The folder was restored without it.
    await store.deleteBlob(id);
    throw unknown();
  }

  /** @throws SottoError `blob_unknown`, `unavailable`. */
  async delete(id: Uint8Array, writeToken: Uint8Array): Promise<void> {
    if ((await this.#writable(id, writeToken)) === undefined) throw unknown();
    await this.#remove(id);
  }

  /**
   * Deletes what is past its time, and what lies in the storage without a record; finishes what a crash left whole.
   * @param sweep which part of the storage is looked through, 0 to 255.
   * @param limit most blobs that are deleted for their age.
   * @returns how many that were.
   */
  async expire(
    beforeSec: number,
    unfinishedBeforeSec: number,
    sweep: number,
    limit: number,
  ): Promise<number> {
    const { store, files } = this.#deps;
    const expired = await store.expiredBlobs(beforeSec, unfinishedBeforeSec, limit);
    for (const id of expired) await this.#remove(id);
    for (const id of await files.list(sweep)) {
      const record = await store.readBlob(id);
      if (record === undefined) await files.remove(id);
      else await this.#finish(id, record.received, record.size);
    }
    return expired.length;
  }

  async #remove(id: Uint8Array): Promise<void> {
    const turn = await this.#takeTurn(toHex(id));
    try {
      await this.#deps.store.deleteBlob(id);
      await this.#deps.files.remove(id);
    } finally {
      turn.end();
    }
  }

  /** undefined: there is none of that id. @throws SottoError `blob_unknown` for a wrong token. */
  async #writable(id: Uint8Array, writeToken: Uint8Array): Promise<BlobRecord | undefined> {
    const { store, crypto } = this.#deps;
    const record = await store.readBlob(id);
    if (record !== undefined && !crypto.equalSecrets(crypto.sha256(writeToken), record.writeHash))
      throw unknown();
    return record;
  }
}

/** The bytes of a body; one that is given up, or breaks, ends early instead of failing: what came is kept. */
async function* untilBroken(
  body: AsyncIterable<Uint8Array>,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener("abort", () => resolve(undefined), { once: true });
  let left = length;
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next().catch(() => undefined), aborted]);
    if (next === undefined || next.done === true) return;
    const bytes = next.value.subarray(0, left);
    left -= bytes.length;
    yield bytes;
  }
}

function unknown(): ValidationError {
  return new ValidationError("blob_unknown", "there is no such blob, or the token is wrong");
}

function conflict(received: number): SottoError {
  return new SottoError("blob_conflict", "the upload stands elsewhere", { current: received });
}

function noSpace(): ValidationError {
  return new ValidationError("blob_space", "the server has no room for it now");
}
