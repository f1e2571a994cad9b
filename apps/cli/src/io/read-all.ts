/** Reads standard input to its end, as UTF-8. */
import { usageFailure } from "../errors.ts";
import type { InputStream } from "./io.ts";

// Far above what a message may hold, far below what hurts.
const maxBytes = 1_048_576;

/** @throws Failure `usage` when it is not UTF-8, or more than 1 MiB. */
export async function readAll(stream: InputStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer | string);
    length += bytes.length;
    if (length > maxBytes)
      throw usageFailure("standard input is longer than a message can be", "send less at once.");
    chunks.push(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw usageFailure("standard input is not valid UTF-8", "convert it first (iconv -t UTF-8).");
  }
}
