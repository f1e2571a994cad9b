/** GIF (87a and 89a): how large it says it is. It is sent as it is; comments in it stay. */
import { viewOf, type Peek } from "./file-source.ts";

/** Whether a file begins like one. */
export const isGif = async (peek: Peek): Promise<boolean> =>
  peek.has(0, 10) && /^GIF8[79]a$/.test(await peek.text(0, 6));

/** Its width and height in pixels. */
export async function gifSize(peek: Peek): Promise<{ readonly width: number; readonly height: number }> {
  const screen = viewOf(await peek.bytes(6, 4));
  return { width: screen.getUint16(0, true), height: screen.getUint16(2, true) };
}
