/**
 * Seeded randomness, so that a failing test can be played again: xoshiro128** (Blackman and Vigna), its state filled by
 * splitmix32. Good enough to vary tests, and nothing else: never a source of keys.
 */

/** A stream of pseudo-random values that its 32-bit seed decides. */
export class SeededRandom {
  readonly seed: number;
  private readonly state = new Uint32Array(4);

  /** @param seed any integer; its low 32 bits count. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    let mixed = this.seed;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0;
      let word = mixed ^ (mixed >>> 16);
      word = Math.imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = Math.imul(word, 0x735a2d97);
      this.state[i] = word ^ (word >>> 15);
    }
  }

  /** 32 random bits as an unsigned integer. */
  nextUint32(): number {
    const s = this.state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    s[2] = c ^ a;
    s[3] = d ^ b;
    s[1] = b ^ c ^ a;
    s[0] = a ^ d ^ b;
    s[2] = c ^ a ^ (b << 9);
    s[3] = rotateLeft(d ^ b, 11);
    return result;
  }

  /** Uniform in [0, 1). Fits the `random` of the client's Env. */
  readonly float = (): number => this.nextUint32() / 0x1_0000_0000;

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.float() * below);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** A new array of random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.nextUint32();
      for (let j = 0; j < 4 && i + j < length; j++) bytes[i + j] = word >>> (8 * j);
    }
    return bytes;
  }

  /** One of the items. @throws RangeError when there are none. */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError("nothing to pick from");
    return items[this.integer(items.length)] as Item;
  }

  /** The items in a random order (Fisher–Yates), in a new array. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as Item, shuffled[i] as Item];
    }
    return shuffled;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/**
 * Runs a test with a stream of its own and names the seed when it fails.
 * The seed is SOTTO_SEED when that is set, else the one given: runs are equal unless somebody asks for another.
 */
export async function withSeed<Result>(
  seed: number,
  run: (random: SeededRandom) => Result | Promise<Result>,
): Promise<Result> {
  const chosen = process.env["SOTTO_SEED"] === undefined ? seed : Number(process.env["SOTTO_SEED"]);
  try {
    return await run(new SeededRandom(chosen));
  } catch (cause) {
    throw new Error(`failed with SOTTO_SEED=${chosen}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
