/**
 * JPEG (ITU-T T.81) without what it tells of its making: only the segments that a decoder needs are kept, byte for byte, and the picture
 * ends where it ends. So EXIF with place and camera, XMP, comments, embedded previews, second pictures and films behind the first are gone.
 */
import { concatBytes, equalBytes } from "@sotto/protocol";
import { EXIF_MARK, orientationOf, orientationTiff, type Orientation } from "./exif.ts";
import { Pieces, unreadable, viewOf, type Peek } from "./file-source.ts";
import { MOST_PARTS, type StrippedPicture } from "./stripped-picture.ts";

const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;
const app0 = 0xe0;
const app1 = 0xe1;
const app2 = 0xe2;
const app14 = 0xee;
// Tables, frame headers and the like: DHT, DAC, DQT, DNL, DRI, DHP, EXP.
const needed: ReadonlySet<number> = new Set([0xc4, 0xcc, 0xdb, 0xdc, 0xdd, 0xde, 0xdf]);
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
// More of an APP1 than this is not looked at for how the picture is turned.
const mostExifBytes = 65_535;

/** Whether a file begins like one. */
export const isJpeg = async (peek: Peek): Promise<boolean> =>
  peek.has(0, 3) && equalBytes(await peek.bytes(0, 3), Uint8Array.of(0xff, soi, 0xff));

/** @throws UsageError `picture_unreadable`. */
export async function stripJpeg(peek: Peek): Promise<StrippedPicture> {
  const head = new Pieces();
  const rest = new Pieces();
  let orientation: Orientation = 1;
  let size: { width: number; height: number } | undefined;
  let at = 2;
  for (let segments = 0; ; segments++) {
    if (segments > MOST_PARTS || rest.count > MOST_PARTS) throw unreadable("it has too many parts");
    const marker = await markerAt(peek, at);
    at = marker.end;
    if (marker.code === eoi) break;
    const { code } = marker;
    const length = await peek.uint16(at);
    const end = at + length;
    if (length < 2 || !peek.has(at, length)) throw unreadable("a part reaches beyond its end");
    const from = marker.end - 2;
    if (isFrame(code)) {
      if (length < 8) throw unreadable("its frame header is cut short");
      const frame = viewOf(await peek.bytes(at + 3, 4));
      size ??= { height: frame.getUint16(0), width: frame.getUint16(2) };
      rest.range(from, end);
    } else if (needed.has(code)) rest.range(from, end);
    else if (code === app0) await keepJfif(peek, at, length, head);
    else if (code === app1) orientation = (await orientationIn(peek, at, length)) ?? orientation;
    else if (code === app2 && (await peek.text(at + 2, 12)) === "ICC_PROFILE\0") rest.range(from, end);
    else if (code === app14 && length === 14 && (await peek.text(at + 2, 5)) === "Adobe")
      rest.range(from, end);
    else if (code === sos) {
      const scanEnd = await endOfScan(peek, end);
      rest.range(from, scanEnd);
      at = scanEnd;
      if (scanEnd === peek.source.size) break;
      continue;
    }
    at = end;
  }
  if (size === undefined) throw unreadable("it has no frame");
  const pieces = new Pieces();
  pieces.own(Uint8Array.of(0xff, soi));
  pieces.append(head);
  if (orientation !== 1) pieces.own(exifSegment(orientation));
  pieces.append(rest);
  pieces.own(Uint8Array.of(0xff, eoi));
  const turned = orientation >= 5;
  return {
    type: "image/jpeg",
    width: turned ? size.height : size.width,
    height: turned ? size.width : size.height,
    source: pieces.of(peek.source),
  };
}

/** A marker, with bytes before it that fill; `end` is behind it. */
async function markerAt(peek: Peek, offset: number): Promise<{ code: number; end: number }> {
  let at = offset;
  if ((await peek.bytes(at, 1))[0] !== 0xff) throw unreadable("a marker is missing");
  for (let filled = 0; filled <= mostFill; filled++) {
    const [code = 0] = await peek.bytes(++at, 1);
    if (code === 0xff) continue;
    // Those stand without a length, and never between segments.
    if (code === 0 || code === 1 || code === soi || isRestart(code))
      throw unreadable("a marker is out of place");
    return { code, end: at + 1 };
  }
  throw unreadable("a marker is missing");
}
const mostFill = 1_024;

/** Where the next marker of a segment stands behind a scan's data, with bytes before it that fill. */
async function endOfScan(peek: Peek, offset: number): Promise<number> {
  for (let at = await peek.find(0xff, offset); ; at = await peek.find(0xff, at)) {
    const begin = at;
    let code = 0xff;
    while (code === 0xff) {
      if (!peek.has(++at, 1)) return peek.source.size;
      [code = 0] = await peek.bytes(at, 1);
    }
    if (code !== 0 && !isRestart(code)) return begin;
  }
}

/** JFIF says how dense the picture is; the preview that it may carry is left out. */
async function keepJfif(peek: Peek, at: number, length: number, head: Pieces): Promise<void> {
  if (length < 16 || head.count > 0 || (await peek.text(at + 2, 5)) !== "JFIF\0") return;
  const density = await peek.bytes(at + 7, 7);
  head.own(
    concatBytes(Uint8Array.of(0xff, app0, 0, 16), await peek.bytes(at + 2, 5), density, new Uint8Array(2)),
  );
}

async function orientationIn(peek: Peek, at: number, length: number): Promise<Orientation | undefined> {
  const content = length - 2;
  if (content < EXIF_MARK.length || content > mostExifBytes) return undefined;
  const bytes = await peek.bytes(at + 2, content);
  if (!equalBytes(bytes.subarray(0, EXIF_MARK.length), EXIF_MARK)) return undefined;
  return orientationOf(bytes.subarray(EXIF_MARK.length));
}

function exifSegment(orientation: Orientation): Uint8Array {
  const content = concatBytes(EXIF_MARK, orientationTiff(orientation));
  return concatBytes(Uint8Array.of(0xff, app1, 0, content.length + 2), content);
}
