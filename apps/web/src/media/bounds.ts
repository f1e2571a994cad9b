/** How large a picture may be to be decoded here: each pixel takes four bytes of memory, however few the file has. */

const mostPixels = 64_000_000;
const mostSidePx = 16_384;

/** Whether it is harmless to show. Sizes in pixels. */
export const isShowable = ({ width, height }: { readonly width: number; readonly height: number }): boolean =>
  width > 0 && height > 0 && width <= mostSidePx && height <= mostSidePx && width * height <= mostPixels;
