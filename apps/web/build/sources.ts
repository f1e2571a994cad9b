/** What the bundle is made of, as one hash: a bundle whose stamp differs is older than its sources, or of others. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../../..");
const sources = [
  "apps/web/{src,build,public}/**/*.*",
  "apps/web/*.{html,json}",
  "packages/{protocol,crypto,client}/src/**/*.ts",
  "package-lock.json",
];

/** SHA-256 over the paths and contents of everything that goes into the bundle, in hexadecimal. */
export function hashOfSources(): string {
  const hash = createHash("sha256");
  for (const path of globSync(sources, { cwd: repository }).toSorted()) {
    const content = readFileSync(join(repository, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
