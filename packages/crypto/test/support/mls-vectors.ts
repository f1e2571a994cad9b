/** The MLS working group's vectors: see vectors/mls/README.md. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const folder = join(import.meta.dirname, "../../../../vectors/mls");

/** The cases of a file. Bytes are hexadecimal text. */
export function mlsVectors<Case>(name: string): readonly Case[] {
  const path = join(folder, `${name}.json`);
  const text = existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
  const cases = JSON.parse(text.toString("utf8")) as Case[];
  if (cases.length === 0) throw new Error(`no cases in ${name}`);
  return cases;
}
