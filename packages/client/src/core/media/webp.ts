/** WebP (RFC 9649) without what it tells of its making: only chunks that say how to draw it are kept. */
import { concatBytes, equalBytes, utf8 } from "@sotto/protocol";
import { EXIF_MARK, orientationOf, orientationTiff, type Orientation } from "./exif.ts";
import { Pieces, unreadable, viewOf, type Peek } from "./file-source.ts";
import { MOST_PARTS, type StrippedPicture } from "./stripped-picture.ts";

const headerBytes = 12;
const chunkHeaderBytes = 8;
const frameHeaderBytes = 16;
const frameParts: ReadonlySet<string> = new Set(["ALPH", "VP8 ", "VP8L"]);
const needed: ReadonlySet<string> = new Set([...frameParts, "ICCP", "ANIM"]);
// Of the flags in VP8X: colour profile, transparency, animation; not EXIF and XMP.
const keptFlags = 0x32;
const exifFlag = 0x08;
const mostExifBytes = 1_048_576;

/** Whether a file begins like one. */
export const isWebp = async (peek: Peek): Promise<boolean> =>
  peek.has(0, headerBytes) && (await peek.text(0, 4)) === "RIFF" && (await peek.text(8, 4)) === "WEBP";

interface Chunk {
  readonly type: string;
  /** Where its data begin and end, and where the next chunk begins. */
  readonly from: number;
  readonly to: number;
  readonly next: number;
}

/** @throws UsageError `picture_unreadable`. */
export async function stripWebp(peek: Peek): Promise<StrippedPicture> {
  const end = Math.min(peek.source.size, chunkHeaderBytes + (await uint32(peek, 4)));
  const rest = new Pieces();
  const budget = { left: MOST_PARTS };
  let orientation: Orientation = 1;
  let extended: Uint8Array | undefined;
  let size: { width: number; height: number } | undefined;
  for await (const chunk of chunksIn(peek, headerBytes, end, budget)) {
    const { type, from, to } = chunk;
    if (type === "VP8X") {
      if (to - from < 10) throw unreadable("its header is cut short");
      extended = Uint8Array.from(await peek.bytes(from, 10));
      size = { width: uint24(extended, 4) + 1, height: uint24(extended, 7) + 1 };
    } else if (type === "EXIF" && to - from <= mostExifBytes) {
      orientation = orientationOf(withoutMark(await peek.bytes(from, to - from)));
    } else if (type === "ANMF") await keepFrame(peek, chunk, budget, rest);
    else if (needed.has(type)) {
      rest.range(from - chunkHeaderBytes, chunk.next);
      size ??= await sizeOf(peek, chunk);
    }
  }
  if (size === undefined) throw unreadable("it has no picture");
  const pieces = new Pieces();
  const turns = extended !== undefined && orientation !== 1;
  if (extended !== undefined) {
    extended[0] = ((extended[0] ?? 0) & keptFlags) | (turns ? exifFlag : 0);
    pieces.own(chunkOf("VP8X", extended));
  }
  pieces.append(rest);
  if (turns) pieces.own(chunkOf("EXIF", orientationTiff(orientation)));
  const whole = new Pieces();
  whole.own(concatBytes(utf8("RIFF"), little32(pieces.bytes + 4), utf8("WEBP")));
  whole.append(pieces);
  // Chromium does not turn a WebP, though some programs do: the word stays, the size is as it lies.
  return { type: "image/webp", ...size, source: whole.of(peek.source) };
}

async function* chunksIn(
  peek: Peek,
  from: number,
  to: number,
  budget: { left: number },
): AsyncGenerator<Chunk> {
  for (let at = from; at + chunkHeaderBytes <= to;) {
    if (--budget.left < 0) throw unreadable("it has too many parts");
    const type = await peek.text(at, 4);
    const begin = at + chunkHeaderBytes;
    const end = begin + (await uint32(peek, at + 4));
    if (end > to) throw unreadable("a part reaches beyond its end");
    // Chunks have an even length; the last one's last byte may be missing.
    const next = Math.min(to, end + (end & 1));
    yield { type, from: begin, to: end, next };
    at = next;
  }
}

/** A frame of an animation, with the parts that it needs. */
async function keepFrame(peek: Peek, frame: Chunk, budget: { left: number }, into: Pieces): Promise<void> {
  const { from, to } = frame;
  if (to - from < frameHeaderBytes) throw unreadable("a frame is cut short");
  const parts = new Pieces();
  parts.range(from, from + frameHeaderBytes);
  for await (const chunk of chunksIn(peek, from + frameHeaderBytes, to, budget)) {
    if (frameParts.has(chunk.type)) parts.range(chunk.from - chunkHeaderBytes, chunk.next);
  }
  into.own(concatBytes(utf8("ANMF"), little32(parts.bytes)));
  into.append(parts);
}

/** Of a picture without VP8X. */
async function sizeOf(
  peek: Peek,
  { type, from, to }: Chunk,
): Promise<{ width: number; height: number } | undefined> {
  if (type === "VP8 " && to - from >= 10) {
    const view = viewOf(await peek.bytes(from + 6, 4));
    return { width: view.getUint16(0, true) & 0x3fff, height: view.getUint16(2, true) & 0x3fff };
  }
  if (type === "VP8L" && to - from >= 5) {
    const bits = viewOf(await peek.bytes(from + 1, 4)).getUint32(0, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return undefined;
}

const withoutMark = (exif: Uint8Array): Uint8Array =>
  equalBytes(exif.subarray(0, EXIF_MARK.length), EXIF_MARK) ? exif.subarray(EXIF_MARK.length) : exif;

const uint32 = async (peek: Peek, offset: number): Promise<number> =>
  viewOf(await peek.bytes(offset, 4)).getUint32(0, true);
const uint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);

function little32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

function chunkOf(type: string, data: Uint8Array): Uint8Array {
  return concatBytes(utf8(type), little32(data.length), data, new Uint8Array(data.length & 1));
}
