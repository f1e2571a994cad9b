/** Files that people in browsers send, and what they save. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { PNG } from "pngjs";

/** A file to choose. */
export interface GivenFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** Chooses files in the open conversation. */
export async function attach(page: Page, ...files: readonly (GivenFile | string)[]): Promise<void> {
  const input = page.locator(".composer__files");
  const [first] = files;
  if (typeof first === "string") await input.setInputFiles(first);
  else await input.setInputFiles(files.filter((file) => typeof file !== "string"));
}

/** What the browser saves when a button is pressed: its name, and its bytes. */
export async function savedBy(
  page: Page,
  press: () => Promise<void>,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** A photo of that size, as a browser encodes it. */
export async function jpeg(page: Page, width: number, height: number): Promise<Buffer> {
  const url = await page.evaluate(
    ([w, h]) => {
      const canvas = document.createElement("canvas");
      canvas.width = w;
      canvas.height = h;
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("no canvas");
      const sky = context.createLinearGradient(0, 0, w, h);
      for (const [at, colour] of ["#203a63", "#d98a5b", "#f3dca2", "#2f6b4f"].entries())
        sky.addColorStop(at / 3, colour);
      context.fillStyle = sky;
      context.fillRect(0, 0, w, h);
      for (let i = 0; i < 60; i++) {
        context.fillStyle = `hsl(${(i * 47) % 360} 50% ${30 + (i % 5) * 12}%)`;
        context.beginPath();
        context.arc((i * 97) % w, (i * 61) % h, 8 + ((i * 13) % 50), 0, 7);
        context.fill();
      }
      return canvas.toDataURL("image/jpeg", 0.9);
    },
    [width, height] as const,
  );
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}

/** A JPEG with EXIF that says something; turned as `orientation` says. */
export function withExif(picture: Buffer, said: string, orientation = 1): Buffer {
  const tiff = Buffer.alloc(26);
  tiff.write("MM\0*", "latin1");
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(0x0112, 10);
  tiff.writeUInt16BE(3, 12);
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(orientation, 18);
  const content = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff, Buffer.from(said)]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([picture.subarray(0, 2), head, content, picture.subarray(2)]);
}

/** A PNG of a few bytes that says it is as large as that. */
export function bomb(width: number, height: number): Buffer {
  const small = PNG.sync.write(new PNG({ width: 1, height: 1 }));
  small.writeUInt32BE(width, 16);
  small.writeUInt32BE(height, 20);
  small.writeUInt32BE(crc32(small.subarray(12, 29)), 29);
  return small;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
