/**
 * A group's picture out of any picture that the browser can read: its middle as a square, small enough to travel inside a message, and
 * painted anew, so that nothing of its metadata is left. Loaded when a picture is chosen.
 */
import { pictureShape } from "@sotto/client/web-media";
import { isShowable } from "./bounds.ts";
import { smallEnough } from "./prepare.ts";

/** Where it is largest it has 72 CSS pixels, of three real ones at most. */
const sidePx = 256;
const sidesPx = [sidePx, 192, 128, 96];

/** WebP or JPEG, at most 16 KiB; undefined for what is no picture, or one that cannot be decoded without harm. */
export async function squarePicture(file: Blob): Promise<Uint8Array | undefined> {
  const shape = await pictureShape(file);
  if (shape === undefined || !isShowable(shape)) return undefined;
  try {
    return await smallEnough(await middleOf(file, shape), sidesPx);
  } catch {
    return undefined;
  }
}

async function middleOf(
  file: Blob,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<OffscreenCanvas> {
  const scale = Math.min(1, sidePx / Math.min(width, height));
  const bitmap = await createImageBitmap(file, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: "high",
  });
  try {
    const side = Math.min(bitmap.width, bitmap.height);
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.drawImage(bitmap, (side - bitmap.width) / 2, (side - bitmap.height) / 2);
    return canvas;
  } finally {
    bitmap.close();
  }
}
