/** The one thing of EXIF that is kept: how a picture is to be turned. Without it many photos would lie on their side. */
import { concatBytes, utf8 } from "@sotto/protocol";
import { viewOf } from "./file-source.ts";

/** 1 to 8 (EXIF 2.3, tag 0x0112); 1 is upright. */
export type Orientation = number;

const orientationTag = 0x0112;
const shortType = 3;
const entryBytes = 12;

/** Reads it from a TIFF structure; 1 when it says nothing that can be read. */
export function orientationOf(tiff: Uint8Array): Orientation {
  const view = viewOf(tiff);
  if (tiff.length < 8) return 1;
  const order = view.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + i * entryBytes;
    if (at + entryBytes > tiff.length) return 1;
    if (view.getUint16(at, little) !== orientationTag || view.getUint16(at + 2, little) !== shortType)
      continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** A TIFF structure that says nothing else, 26 bytes. */
export function orientationTiff(orientation: Orientation): Uint8Array {
  const tiff = new Uint8Array(26);
  const view = viewOf(tiff);
  view.setUint16(0, 0x4d4d);
  view.setUint16(2, 42);
  view.setUint32(4, 8);
  view.setUint16(8, 1);
  view.setUint16(10, orientationTag);
  view.setUint16(12, shortType);
  view.setUint32(14, 1);
  view.setUint16(18, orientation);
  return tiff;
}

/** What begins EXIF in a JPEG, and now and then in a WebP. */
export const EXIF_MARK = concatBytes(utf8("Exif"), new Uint8Array(2));
