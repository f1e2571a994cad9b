/**
 * What a page must know of a picture before a browser decodes it: a file of a few bytes can say that it is 65,535 pixels wide, and fill the
 * memory of whoever believes it. Apart from web.ts, which needs a worker: this is all that a page loads of the client.
 */
import { Peek } from "./core/media/file-source.ts";
import { gifSize, isGif } from "./core/media/gif.ts";
import { stripPicture } from "./core/media/picture.ts";

/** A picture that browsers show, as its own bytes say. */
export interface PictureShape {
  readonly type: "image/jpeg" | "image/png" | "image/webp" | "image/gif";
  /** In pixels, turned as it is shown. */
  readonly width: number;
  readonly height: number;
  /** Whether what it tells of place and camera is taken out when it is sent. */
  readonly stripped: boolean;
}

/** Looks at how a file is made, and decodes nothing of it; undefined for anything else, SVG and broken pictures among it. */
export async function pictureShape(file: Blob): Promise<PictureShape | undefined> {
  const source = {
    size: file.size,
    read: async (offset: number, length: number) =>
      new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()),
  };
  try {
    const peek = new Peek(source);
    if (await isGif(peek)) return { type: "image/gif", ...(await gifSize(peek)), stripped: false };
    const picture = await stripPicture(source);
    if (picture === undefined) return undefined;
    const { type, width, height } = picture;
    return { type, width, height, stripped: true };
  } catch {
    return undefined;
  }
}
