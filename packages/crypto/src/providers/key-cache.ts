/**
 * Remembers parsed keys by the byte array that they came from, since parsing costs as much as a signature check
 * (measured, Node 24: PKCS #8 64 µs, SPKI 31 µs, Ed25519 seed 100 µs). An entry lives as long as its array, and is
 * parsed anew when the array was overwritten since.
 */
import { equalBytes } from "@sotto/protocol";

/** A cache of keys of one kind. */
export class KeyCache<Key> {
  private readonly entries = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: Key }>();
  private readonly parse: (bytes: Uint8Array) => Key;

  constructor(parse: (bytes: Uint8Array) => Key) {
    this.parse = parse;
  }

  /** The key that these bytes encode. @throws what the parser throws. */
  get(bytes: Uint8Array): Key {
    const known = this.entries.get(bytes);
    if (known !== undefined && equalBytes(known.bytes, bytes)) return known.key;
    const key = this.parse(bytes);
    this.set(bytes, key);
    return key;
  }

  /** Remembers a key that was made, not parsed. */
  set(bytes: Uint8Array, key: Key): void {
    this.entries.set(bytes, { bytes: Uint8Array.from(bytes), key });
  }
}
