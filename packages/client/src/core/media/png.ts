/** PNG (W3C, third edition) without what it tells of its making: only chunks that say how to draw it are kept, byte for byte. */
import { concatBytes, equalBytes, utf8 } from "@sotto/protocol";
import { orientationOf, orientationTiff, type Orientation } from "./exif.ts";
import { Pieces, unreadable, viewOf, type Peek } from "./file-source.ts";
import { MOST_PARTS, type StrippedPicture } from "./stripped-picture.ts";

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const needed: ReadonlySet<string> = new Set(
  // What it is made of, and animations; then colours, transparency's background and sizes.
  "IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs hIST".split(" "),
);
const mostExifBytes = 1_048_576;

/** Whether a file begins like one. */
export const isPng = async (peek: Peek): Promise<boolean> =>
  peek.has(0, 8) && equalBytes(await peek.bytes(0, 8), signature);

/** @throws UsageError `picture_unreadable`. */
export async function stripPng(peek: Peek): Promise<StrippedPicture> {
  const head = new Pieces();
  const rest = new Pieces();
  let orientation: Orientation = 1;
  let size: { width: number; height: number } | undefined;
  let at = signature.length;
  for (let chunks = 0; ; chunks++) {
    if (chunks > MOST_PARTS) throw unreadable("it has too many parts");
    const length = await peek.uint32(at);
    const type = await peek.text(at + 4, 4);
    const end = at + 12 + length;
    if (!peek.has(at, 12 + length)) throw unreadable("a part reaches beyond its end");
    if ((type === "IHDR") !== (chunks === 0)) throw unreadable("it does not begin with its header");
    if (type === "IHDR") {
      if (length !== 13) throw unreadable("its header is cut short");
      const header = viewOf(await peek.bytes(at + 8, 8));
      size = { width: header.getUint32(0), height: header.getUint32(4) };
      head.range(0, end);
    } else if (needed.has(type)) rest.range(at, end);
    else if (type === "eXIf" && length <= mostExifBytes)
      orientation = orientationOf(await peek.bytes(at + 8, length));
    at = end;
    if (type === "IEND") break;
  }
  if (orientation !== 1) head.own(chunk("eXIf", orientationTiff(orientation)));
  head.append(rest);
  const turned = orientation >= 5;
  const { width = 0, height = 0 } = size ?? {};
  return {
    type: "image/png",
    width: turned ? height : width,
    height: turned ? width : height,
    source: head.of(peek.source),
  };
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = concatBytes(utf8(type), data);
  const length = new Uint8Array(4);
  viewOf(length).setUint32(0, data.length);
  const check = new Uint8Array(4);
  viewOf(check).setUint32(0, crc32(named));
  return concatBytes(length, named, check);
}

/** ISO 3309, as PNG has it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
