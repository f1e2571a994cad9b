/** The size budget: what must arrive before the app can be used, the worker included, and the messenger that the worker fetches behind the lock. */
import { brotliCompressSync } from "node:zlib";

/** Bytes, compressed by Brotli. */
export const MOST_INITIAL_BYTES = 200 * 1024;

/** Static imports of a chunk, as the bundler writes them; `import("…")` is none. */
const imports = /\b(?:from|import)\s*"\.\/([^"]+\.js)"/g;

/** Compressed sizes of scripts in `assets/` and of what they import, by file. @param roots their names. */
export function initialSizes(
  roots: readonly string[],
  read: (file: string) => Uint8Array,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  const visit = (name: string): void => {
    const file = `assets/${name}`;
    if (sizes.has(file)) return;
    const content = read(file);
    sizes.set(file, brotliCompressSync(content).length);
    for (const [, imported = ""] of new TextDecoder().decode(content).matchAll(imports)) visit(imported);
  };
  for (const root of roots) visit(root);
  return sizes;
}
