/** Seeded inputs for parsers: random bytes, and valid inputs that were cut, flipped, doubled and spliced. */
import { SottoError, concatBytes, utf8 } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";

/** Pieces on which parsers of JSON and protobuf trip. */
const pieces = [
  ...'{}[]",:\\ \n0-.eE',
  "null",
  "true",
  "\\u0000",
  "\\ud800",
  "\\/",
  "1e999",
  "9".repeat(40),
  "[".repeat(30),
  '{"a":'.repeat(10),
  '"timestamp":1,',
  '"type":"text",',
  "__proto__",
  "\ufeff",
  "\u2028",
]
  .map((text) => utf8(text))
  .concat(
    [
      [0],
      [0xff],
      [0x80],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [0x0b],
      [0x7f],
    ].map((bytes) => Uint8Array.from(bytes)),
  );

function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

/** One change to an input. */
function mutated(random: SeededRandom, input: Uint8Array, valid: readonly Uint8Array[]): Uint8Array {
  const at = random.integer(input.length + 1);
  const length = random.integer(Math.min(64, input.length - at) + 1);
  switch (random.integer(7)) {
    case 0:
      return input.slice(0, at);
    case 1:
      return concatBytes(input.subarray(0, at), input.subarray(at + length));
    case 2:
      return concatBytes(input.subarray(0, at + length), input.subarray(at));
    case 3:
      return concatBytes(input.subarray(0, at), pick(random, pieces), input.subarray(at));
    case 4:
      return concatBytes(input.subarray(0, at), pick(random, pieces), input.subarray(at + length));
    case 5: {
      const other = pick(random, valid);
      return concatBytes(input.subarray(0, at), other.subarray(random.integer(other.length + 1)));
    }
    default: {
      const copy = input.slice();
      if (at < copy.length) copy[at] = copy[at]! ^ (1 << random.integer(8));
      return copy;
    }
  }
}

/**
 * Runs a parser on `count` inputs. Whatever it throws must be one of ours, with one of the codes.
 * @returns how many inputs it took and refused.
 */
export function fuzz(
  parse: (input: Uint8Array) => void,
  options: {
    readonly seed: number;
    readonly count: number;
    readonly valid: readonly Uint8Array[];
    readonly codes: readonly string[];
  },
): { readonly accepted: number; readonly refused: number } {
  const random = new SeededRandom(options.seed);
  let accepted = 0;
  let refused = 0;
  for (let i = 0; i < options.count; i++) {
    let input = random.chance(0.1) ? random.bytes(random.integer(300)) : pick(random, options.valid);
    for (let changes = random.integer(4); changes > 0; changes--)
      input = mutated(random, input, options.valid);
    try {
      parse(input);
      accepted++;
    } catch (error) {
      if (!(error instanceof SottoError) || !options.codes.includes(error.code)) {
        const text = Buffer.from(input).toString("base64");
        throw new Error(`seed ${options.seed}, input ${i}: wrong error for ${text}`, { cause: error });
      }
      refused++;
    }
  }
  return { accepted, refused };
}
