/** The server's desk for blobs as a client reaches it, without HTTP in between. */
import type { BlobPart, BlobTransport } from "@sotto/client";
import { RefusedError, SottoError } from "@sotto/protocol";
import type { Desks } from "@sotto/server/parts";

/** Reaches the desk directly. @param watch is told of every part that is sent, whatever becomes of it. */
export function simulatedBlobs(blobs: Desks["blobs"], watch: (part: BlobPart) => void): BlobTransport {
  return {
    put: (part) => {
      watch(part);
      return refusing(() => blobs.put({ ...part, length: part.bytes.length, body: once(part.bytes) }));
    },
    progress: (id, writeToken) => refusing(async () => (await blobs.progress(id, writeToken)).received),
    async *get(id, readToken, from, to) {
      const size = await refusing(() => blobs.sizeOf(id, readToken));
      yield* await refusing(() => blobs.read(id, from, Math.min(to, size)));
    },
    delete: (id, writeToken) => refusing(() => blobs.delete(id, writeToken)),
  };
}

/** A refusal as a client gets it. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause;
    const { code, message, retryAfterMs, current } = cause;
    throw new RefusedError(code, message, {
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(current !== undefined && { current }),
    });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
