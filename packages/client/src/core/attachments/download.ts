/**
 * Fetching an attachment: chunk by chunk, each opened before anything of it is used, going on after a break from the last one. The file
 * counts as received when its digest is the one in the message; until then its receiver holds it back, and after a failure throws it away.
 */
import { attachmentShape, beginDigest, extendDigest, openChunk, sealedOffset } from "@sotto/crypto";
import {
  CryptoError,
  SottoError,
  TransportError,
  ValidationError,
  concatBytes,
  equalBytes,
} from "@sotto/protocol";
import type { DownloadOptions, FileSink } from "../../api.ts";
import type { Env } from "../env.ts";
import { pauseMs } from "../reconnect.ts";
import type { BlobTransport } from "../transport.ts";
import type { AttachmentRecord } from "./records.ts";
import { blobIdOf } from "./tokens.ts";

/** Breaks in a row, without a chunk in between, after which it is given up. */
const mostBreaks = 8;
/** How long a chunk may take: a kilobyte a second. */
const patienceMs = 60_000;

interface BlobNames {
  readonly id: Uint8Array;
  readonly readToken: Uint8Array;
}

/**
 * Writes the file to a sink, and closes it once all of it was checked; otherwise aborts it.
 * @throws ValidationError `attachment_damaged` (SOTTO-FILE-2); RefusedError `blob_unknown` when the server does not have it any more;
 * TransportError; the signal's reason; what the sink throws.
 */
export async function download(
  env: Env,
  blobs: BlobTransport,
  attachment: AttachmentRecord,
  sink: FileSink,
  options: DownloadOptions = {},
): Promise<void> {
  try {
    await receive(env, blobs, attachment, sink, options);
    options.signal?.throwIfAborted();
    await sink.close();
  } catch (cause) {
    await sink.abort();
    throw cause;
  }
}

async function receive(
  env: Env,
  blobs: BlobTransport,
  attachment: AttachmentRecord,
  sink: FileSink,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  const { crypto } = env;
  const { readToken, key, size, digest: expected } = attachment;
  const shape = attachmentShape(size);
  const id = await blobIdOf(crypto, readToken);
  let digest = await beginDigest(crypto, shape);
  let index = 0;
  let written = 0;
  for (let breaks = 0; index < shape.chunks;) {
    const before = index;
    try {
      const chunks = timed(env, signal, (each) =>
        sealedChunks(blobs, { id, readToken }, shape.sealedBytes, before, each),
      );
      for await (const sealed of chunks) {
        const content = await opened(() => openChunk(crypto, key, shape, index, sealed));
        digest = await extendDigest(crypto, digest, sealed);
        if (content.length > 0) await sink.write(content);
        index += 1;
        written += content.length;
        onProgress?.(written, size);
      }
    } catch (cause) {
      signal?.throwIfAborted();
      if (!isPassing(cause)) throw cause;
      breaks = index > before ? 1 : breaks + 1;
      if (breaks >= mostBreaks) throw cause;
      await pause(env, pauseMs(breaks, cause.retryAfterMs, env.random()), signal);
    }
  }
  if (!equalBytes(digest, expected)) throw damaged("another file than the message says");
}

/** Sealed chunks from one on, as many as there must be. @throws ValidationError `attachment_damaged` for more; TransportError for fewer. */
async function* sealedChunks(
  blobs: BlobTransport,
  names: BlobNames,
  sealedBytes: number,
  first: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let left = sealedBytes - sealedOffset(first);
  let rest: Uint8Array = new Uint8Array();
  for await (const bytes of blobs.get(names.id, names.readToken, sealedBytes - left, sealedBytes, signal)) {
    rest = rest.length === 0 ? bytes : concatBytes(rest, bytes);
    if (rest.length > left) throw damaged("more than there can be");
    while (left > 0 && rest.length >= Math.min(sealedOffset(1), left)) {
      const chunk = rest.slice(0, Math.min(sealedOffset(1), left));
      rest = rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }
  if (left > 0) throw new TransportError("connection_lost", "a download broke off");
}

/** Ends what gives nothing for too long, a chunk at a time: a byte now and then is nothing. */
async function* timed(
  env: Env,
  signal: AbortSignal | undefined,
  begin: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const silence = new AbortController();
  const either = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
  const iterator = begin(either)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await orSilence(env, iterator.next(), silence, signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    silence.abort();
    // Not awaited: what does not answer would hold up whoever gives it up.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

async function orSilence<T>(
  env: Env,
  answer: Promise<T>,
  silence: AbortController,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { promise: silent, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    silence.abort();
    reject(new TransportError("connection_lost", "the server fell silent"));
  };
  const stop = env.setTimer(patienceMs, giveUp);
  signal?.addEventListener("abort", giveUp);
  try {
    return await Promise.race([answer, silent]);
  } finally {
    stop();
    signal?.removeEventListener("abort", giveUp);
    silent.catch(() => undefined);
  }
}

async function opened(open: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof CryptoError) throw damaged("bytes that do not open", cause);
    throw cause;
  }
}

const passing: ReadonlySet<string> = new Set(["rate_limited", "unavailable", "draining"]);

/** Whether it is worth another try. */
function isPassing(cause: unknown): cause is SottoError {
  return cause instanceof TransportError || (cause instanceof SottoError && passing.has(cause.code));
}

function pause(env: Env, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = env.setTimer(delayMs, resolve);
  const abort = (): void => {
    cancel();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  return promise.finally(() => signal?.removeEventListener("abort", abort));
}

function damaged(what: string, cause?: unknown): ValidationError {
  return new ValidationError("attachment_damaged", `SOTTO-FILE-2: the server gave ${what}`, { cause });
}
