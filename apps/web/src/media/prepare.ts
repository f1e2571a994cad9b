/**
 * A picture made ready to be sent: looked at before it is decoded, then decoded small, for the thumbnail and the blur that travel inside
 * the message. Neither has anything of the picture's metadata: both are painted anew. Loaded when the first file is chosen.
 */
import { pictureShape } from "@sotto/client/web-media";
import { LIMITS } from "@sotto/protocol";
import { rgbaToThumbHash } from "thumbhash";
import { isShowable } from "./bounds.ts";

/** What is known of a picture. */
export interface PreparedPicture {
  readonly type: string;
  /** In pixels, turned as it is shown. */
  readonly width: number;
  readonly height: number;
  /** Whether place, time and camera are taken out when it is sent. */
  readonly stripped: boolean;
  /** WebP or JPEG; absent when it is too large to be decoded, or the browser cannot. */
  readonly thumbnail?: Uint8Array<ArrayBuffer>;
  /** A ThumbHash. */
  readonly preview?: Uint8Array;
}

const sidesPx = [LIMITS.maxThumbnailPixels, 384, 256, 160, 96];
const qualities = [0.8, 0.6, 0.4];
/** ThumbHash takes no larger picture. */
const blurSidePx = 100;

/** Looks at a file; undefined when it is no picture that browsers show. */
export async function preparePicture(file: Blob): Promise<PreparedPicture | undefined> {
  const shape = await pictureShape(file);
  if (shape === undefined || !isShowable(shape)) return shape;
  try {
    return { ...shape, ...(await smallOnes(file, shape)) };
  } catch {
    // The browser cannot decode it: it goes without.
    return shape;
  }
}

async function smallOnes(
  file: Blob,
  shape: { readonly width: number; readonly height: number },
): Promise<Pick<PreparedPicture, "thumbnail" | "preview">> {
  const bitmap = await createImageBitmap(file, {
    ...scaled(shape, LIMITS.maxThumbnailPixels),
    resizeQuality: "high",
  });
  try {
    const thumbnail = await smallEnough(bitmap, sidesPx);
    return { ...(thumbnail !== undefined && { thumbnail }), preview: blurOf(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** Sizes that fit into a square, not enlarged. */
function scaled(
  { width, height }: { readonly width: number; readonly height: number },
  side: number,
): { readonly resizeWidth: number; readonly resizeHeight: number } {
  const factor = Math.min(1, side / Math.max(width, height));
  return {
    resizeWidth: Math.max(1, Math.round(width * factor)),
    resizeHeight: Math.max(1, Math.round(height * factor)),
  };
}

function painted(bitmap: ImageBitmap | OffscreenCanvas, side: number, background?: string): OffscreenCanvas {
  const { resizeWidth, resizeHeight } = scaled(bitmap, side);
  const canvas = new OffscreenCanvas(resizeWidth, resizeHeight);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  if (background !== undefined) {
    context.fillStyle = background;
    context.fillRect(0, 0, resizeWidth, resizeHeight);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, resizeWidth, resizeHeight);
  return canvas;
}

/** The best that is small enough to travel inside a message: WebP or JPEG. @param sides to try, in pixels, the best first. */
export async function smallEnough(
  bitmap: ImageBitmap | OffscreenCanvas,
  sides: readonly number[],
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const side of sides) {
    for (const quality of qualities) {
      const blob = await encoded(bitmap, side, quality);
      if (blob.size <= LIMITS.maxThumbnailBytes) return new Uint8Array(await blob.arrayBuffer());
    }
  }
  return undefined;
}

async function encoded(bitmap: ImageBitmap | OffscreenCanvas, side: number, quality: number): Promise<Blob> {
  const webp = await painted(bitmap, side).convertToBlob({ type: "image/webp", quality });
  if (webp.type === "image/webp") return webp;
  // Safari: no WebP, and JPEG knows no transparency.
  return painted(bitmap, side, "#fff").convertToBlob({ type: "image/jpeg", quality });
}

function blurOf(bitmap: ImageBitmap): Uint8Array {
  const canvas = painted(bitmap, blurSidePx);
  const { width, height } = canvas;
  const data = canvas.getContext("2d")?.getImageData(0, 0, width, height).data;
  if (data === undefined) throw new Error("no canvas");
  return rgbaToThumbHash(width, height, data);
}
