/** The size budget: what must arrive before the app can be used, the worker included. */
import { brotliCompressSync } from "node:zlib";

/** Bytes, compressed by Brotli. */
export const MOST_INITIAL_BYTES = 200 * 1024;

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
}

/** Compressed sizes of the scripts that the page and its worker load at the start, by file. */
export function initialSizes(
  manifest: Readonly<Record<string, Chunk>>,
  workers: readonly string[],
  read: (file: string) => Uint8Array,
): ReadonlyMap<string, number> {
  const files = new Set(workers);
  const visit = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const imported of chunk.imports ?? []) visit(imported);
  };
  for (const [name, chunk] of Object.entries(manifest)) if (chunk.isEntry === true) visit(name);
  return new Map([...files].map((file) => [file, brotliCompressSync(read(file)).length]));
}
