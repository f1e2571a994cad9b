/** A few colours in place of a picture, out of the 30 bytes of a ThumbHash. */
import { useLayoutEffect, useRef, type ReactNode } from "react";
import { thumbHashToRGBA } from "thumbhash";

const mostSidePx = 64;

/** @param hash from whoever sent the picture: it may be anything. */
export function Blur({ hash }: { readonly hash: Uint8Array }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const box = canvas.current;
    const context = box?.getContext("2d");
    const image = decoded(hash);
    if (box === null || context === null || context === undefined || image === undefined) return;
    box.width = image.width;
    box.height = image.height;
    context.putImageData(image, 0, 0);
  }, [hash]);
  return <canvas ref={canvas} className="picture__blur" aria-hidden="true" />;
}

function decoded(hash: Uint8Array): ImageData | undefined {
  try {
    const { w, h, rgba } = thumbHashToRGBA(hash);
    const fits = w >= 1 && h >= 1 && w <= mostSidePx && h <= mostSidePx;
    return fits ? new ImageData(Uint8ClampedArray.from(rgba), w, h) : undefined;
  } catch {
    return undefined;
  }
}
