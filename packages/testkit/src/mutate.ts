/**
 * Makes hostile input out of honest input, or out of nothing: bits flipped, bytes and lengths replaced, pieces cut,
 * doubled, swapped and spliced between samples. Everything comes from the seed.
 */
import type { SeededRandom } from "./random.ts";

/** Values at which parsers tend to go wrong: ends of varints, tags, lengths. */
const interestingBytes = [0x00, 0x01, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x12, 0x7f, 0x80, 0xff];
const interestingPieces = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x0a, 0x00],
  [0x0b, 0x0b, 0x0b, 0x0b],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
].map((piece) => Uint8Array.from(piece));

/** One hostile input: a mutated sample, or (one in ten) random bytes of up to 200. */
export function mutatedBytes(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  if (corpus.length === 0 || random.chance(0.1)) return random.bytes(random.integer(200));
  let bytes = random.pick(corpus).slice();
  for (let i = random.integer(4); i >= 0; i--) bytes = mutateOnce(random, bytes, corpus);
  return bytes;
}

function mutateOnce(
  random: SeededRandom,
  bytes: Uint8Array<ArrayBuffer>,
  corpus: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const at = random.integer(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.integer(8));
  switch (random.integer(7)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(interestingBytes);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return splice(bytes, at, end, new Uint8Array());
    case 4:
      return splice(
        bytes,
        at,
        at,
        random.chance(0.5) ? random.pick(interestingPieces) : random.bytes(random.integer(8)),
      );
    case 5:
      return splice(bytes, end, end, bytes.slice(at, end));
    default: {
      const other = random.pick(corpus);
      return splice(bytes, at, bytes.length, other.subarray(random.integer(other.length + 1)));
    }
  }
}

function splice(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(from + piece.length + bytes.length - to);
  result.set(bytes.subarray(0, from));
  result.set(piece, from);
  result.set(bytes.subarray(to), from + piece.length);
  return result;
}

const interestingText = [
  "",
  " ",
  "\0",
  "@",
  ".",
  "+",
  "#",
  "?",
  "//",
  ":",
  "%00",
  "é",
  "\u202e",
  "１",
  "😀",
  "\ud800",
  "-",
  "[",
  "]",
];

/** One hostile text: a sample with characters replaced, cut, doubled or inserted, or random characters. */
export function mutatedText(random: SeededRandom, corpus: readonly string[]): string {
  if (corpus.length === 0 || random.chance(0.1)) {
    return Array.from({ length: random.integer(60) }, () =>
      String.fromCodePoint(random.integer(0xd800)),
    ).join("");
  }
  let text = random.pick(corpus);
  for (let i = random.integer(4); i >= 0; i--) {
    const at = random.integer(text.length + 1);
    const end = Math.min(text.length, at + random.integer(5));
    const piece = random.pick([
      random.pick(interestingText),
      text.slice(at, end),
      String.fromCodePoint(random.integer(128)),
    ]);
    text = text.slice(0, at) + piece + text.slice(random.chance(0.5) ? end : at);
  }
  return text;
}

/** What became of the inputs of one fuzzed parser. */
export interface FuzzReport {
  readonly executed: number;
  readonly taken: number;
  /** How often each code was the answer. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Gives a parser `count` inputs. It may return, or throw an error that has one of the codes.
 * @throws Error with the input (hexadecimal for bytes) as soon as anything else happens.
 */
export function fuzz<Input extends Uint8Array | string>(
  count: number,
  make: () => Input,
  parse: (input: Input) => unknown,
  codes: readonly string[],
): FuzzReport {
  let taken = 0;
  const refused: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const input = make();
    try {
      parse(input);
      taken++;
    } catch (error) {
      const code = (error as { code?: unknown } | undefined)?.code;
      if (typeof code !== "string" || !codes.includes(code)) {
        const shown = typeof input === "string" ? JSON.stringify(input) : Buffer.from(input).toString("hex");
        throw new Error(`input ${i} made the parser throw ${String(error)}: ${shown}`, { cause: error });
      }
      refused[code] = (refused[code] ?? 0) + 1;
    }
  }
  return { executed: count, taken, refused };
}
