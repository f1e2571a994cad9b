/**
 * Pictures without metadata: a photo tells where and when it was taken, with which camera, and more. Parts that only tell are left out,
 * and nothing is decoded or encoded anew, so that a picture looks as it did. What is kept is a list of known parts, never "all but".
 */
import type { FileSource } from "../../attachment-api.ts";
import { Peek } from "./file-source.ts";
import { isJpeg, stripJpeg } from "./jpeg.ts";
import { isPng, stripPng } from "./png.ts";
import type { StrippedPicture } from "./stripped-picture.ts";
import { isWebp, stripWebp } from "./webp.ts";

/**
 * Takes metadata out of a JPEG, PNG or WebP, known by how it begins; undefined for any other file.
 * @throws UsageError `picture_unreadable` when it begins like one and its parts cannot be told apart; and what `source` rejects with.
 */
export async function stripPicture(source: FileSource): Promise<StrippedPicture | undefined> {
  const peek = new Peek(source);
  if (await isJpeg(peek)) return stripJpeg(peek);
  if (await isPng(peek)) return stripPng(peek);
  if (await isWebp(peek)) return stripWebp(peek);
  return undefined;
}
