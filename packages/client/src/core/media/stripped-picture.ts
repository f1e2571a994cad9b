/** What taking metadata out of a picture gives. */
import type { FileSource } from "../../attachment-api.ts";

/** A picture that tells nothing but what it shows. */
export interface StrippedPicture {
  readonly type: "image/jpeg" | "image/png" | "image/webp";
  /** As it is shown, turned. */
  readonly width: number;
  readonly height: number;
  readonly source: FileSource;
}

/** More parts than this have no picture; a file of a hundred megabytes could have millions. */
export const MOST_PARTS = 100_000;
