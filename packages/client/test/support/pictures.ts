/** Small pictures as Chromium encodes them (24 by 12: red, blue and white), and what tells about them put into them. */
import { concatBytes, parseBase64, utf8 } from "@sotto/protocol";

const bytes = (base64: string): Uint8Array => parseBase64(base64) ?? new Uint8Array();

export const JPEG = bytes(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAMABgDASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAYH/8QAGhABAAEFAAAAAAAAAAAAAAAAAAIEFVSi0f/EABUBAQEAAAAAAAAAAAAAAAAAAAMF/8QAHBEAAQMFAAAAAAAAAAAAAAAAAAEDEQQFEoHB/9oADAMBAAIRAxEAPwCdW1mr8fePUS2IdI6rcwV7qk4b4ACEg//Z",
);
export const PNG = bytes(
  "iVBORw0KGgoAAAANSUhEUgAAABgAAAAMCAYAAAB4MH11AAAAP0lEQVR4AeyQsREAMAgCOefIrjpgtsggZAOoPBu5o7KQ/7gAVTMfVWkSaM4+sILnFVUdqDqEeQK30N2XwBnCBwAA///xFMI3AAAABklEQVQDADs6TjGHkBY5AAAAAElFTkSuQmCC",
);
export const WEBP = bytes(
  "UklGRigCAABXRUJQVlA4WAoAAAAgAAAAFwAACwAASUNDUMgBAAAAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADZWUDggOgAAALABAJ0BKhgADAACwEwlqAAC6Zq4hQgA/vDLHSpk5fWmDTDT/+hXvZDYCD/Fp//+rOX//Kpvr+wAAAA=",
);
export const WEBP_ALPHA = bytes(
  "UklGRlACAABXRUJQVlA4WAoAAAAwAAAAFwAACwAASUNDUMgBAAAAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADZBTFBIGgAAAAEXIBBIUp98jYgIB4EAYdKkUwcR/Q8t+PABVlA4IEAAAADwAgCdASoYAAwAPtFWo0uoJKMhsAgBABoJagCo9C1yAAD+8EJ/2xo8I7r1/E44z/JxutFv/5mg3b/Wn8ElHgAA",
);
export const WEBP_LOSSLESS = bytes(
  "UklGRhYCAABXRUJQVlA4WAoAAAAwAAAAFwAACwAASUNDUMgBAAAAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADZWUDhMJwAAAC8XwAIQFxDDLBZMppX/kZaAoOg50wN+gSDbppKTvOkNIvofW/FzAwA=",
);

/** Stands in everything that must not be sent. */
export const CANARY = "48.2082N 16.3738E Ann's camera";

const big16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);
const big32 = (value: number): Uint8Array => concatBytes(big16(value >>> 16), big16(value & 0xffff));
const little32 = (value: number): Uint8Array => big32(value).reverse();

/** EXIF as cameras write it: how the picture is turned, and in the same structure the canary. @param order "MM" or "II". */
export function exif(orientation: number, order: "MM" | "II" = "MM"): Uint8Array {
  const turn = (part: Uint8Array): Uint8Array => (order === "MM" ? part : part.toReversed());
  const text = utf8(`${CANARY}\0`);
  const entry = (tag: number, type: number, count: number, value: Uint8Array): Uint8Array =>
    concatBytes(turn(big16(tag)), turn(big16(type)), turn(big32(count)), value);
  const entries = [
    entry(0x010f, 2, text.length, turn(big32(8 + 2 + 2 * 12 + 4))),
    entry(0x0112, 3, 1, concatBytes(turn(big16(orientation)), new Uint8Array(2))),
  ];
  return concatBytes(
    utf8(order),
    turn(big16(42)),
    turn(big32(8)),
    turn(big16(entries.length)),
    ...entries,
    new Uint8Array(4),
    text,
  );
}

/** A segment of a JPEG. */
export function segment(marker: number, ...content: readonly Uint8Array[]): Uint8Array {
  const whole = concatBytes(...content);
  return concatBytes(Uint8Array.of(0xff, marker), big16(whole.length + 2), whole);
}

/** A chunk of a PNG; its check is not right, which nobody looks at. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  return concatBytes(big32(data.length), utf8(type), data, new Uint8Array(4));
}

/** A chunk of a WebP. */
export function riffChunk(type: string, data: Uint8Array): Uint8Array {
  return concatBytes(utf8(type), little32(data.length), data, new Uint8Array(data.length & 1));
}

const text = utf8(CANARY);
const film = concatBytes(utf8("\0\0\0\x18ftypmp42"), text);

/** A JPEG with everything that phones and programs put into one. */
export function tellingJpeg(orientation = 1, order: "MM" | "II" = "MM"): Uint8Array {
  return concatBytes(
    JPEG.subarray(0, 2),
    segment(0xe1, utf8("Exif\0\0"), exif(orientation, order)),
    segment(0xe1, utf8("http://ns.adobe.com/xap/1.0/\0"), text),
    JPEG.subarray(2, 20),
    segment(0xe0, utf8("JFXX\0"), text),
    segment(0xe2, utf8("MPF\0"), text),
    segment(0xed, utf8("Photoshop 3.0\0"), text),
    segment(0xfe, text),
    segment(0xef, text),
    JPEG.subarray(20),
    // A second picture and a film behind the first.
    JPEG,
    film,
  );
}

/** A PNG with the like. */
export function tellingPng(orientation = 1): Uint8Array {
  const header = 8 + 25;
  return concatBytes(
    PNG.subarray(0, header),
    pngChunk("eXIf", exif(orientation)),
    pngChunk("tEXt", utf8(`Comment\0${CANARY}`)),
    pngChunk("iTXt", text),
    pngChunk("zTXt", text),
    pngChunk("tIME", new Uint8Array(7)),
    pngChunk("prVt", text),
    PNG.subarray(header),
    film,
  );
}

/** A WebP with the like. @param picture one with VP8X. */
export function tellingWebp(picture: Uint8Array, orientation = 1): Uint8Array {
  const chunks = concatBytes(
    picture.subarray(12, 20),
    Uint8Array.of((picture[20] ?? 0) | 0x0c),
    picture.subarray(21),
    riffChunk("EXIF", exif(orientation)),
    riffChunk("XMP ", text),
    riffChunk("PRVT", text),
  );
  return concatBytes(utf8("RIFF"), little32(chunks.length + 4), utf8("WEBP"), chunks, film);
}
