/**
 * Builds the web app into apps/web/dist: bundle, integrity, size budget, compressed copies. With --if-stale only when what lies there was
 * made of other sources. The new bundle takes the place of the old one at the end, whole. With --out FOLDER it is made there, and
 * --label TEXT marks it as another version (for tests of updates).
 */
import {
  chmodSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";
import { MOST_INITIAL_BYTES, initialSizes } from "./budget.ts";
import { withIntegrity } from "./integrity.ts";
import { buildServiceWorker } from "./service-worker.ts";
import { hashOfSources } from "./sources.ts";
import { viteConfig } from "./vite.config.ts";

const web = resolve(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    "if-stale": { type: "boolean" },
    out: { type: "string" },
    label: { type: "string", default: "" },
  },
});
const dist = resolve(options.out ?? join(web, "dist"));
const stampFile = ".sources";
/** For the benchmark. */
const initialFile = ".initial";
const compressible = "**/*.{html,js,css,svg,json,webmanifest,txt}";

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

// Whoever builds it from within a test means the same app.
process.env["NODE_ENV"] = "production";

const sources = hashOfSources();
const stamp = join(dist, stampFile);
const fresh = existsSync(stamp) && readFileSync(stamp, "utf8") === sources;
if (options["if-stale"] !== true || !fresh) await makeBundle();

async function makeBundle(): Promise<void> {
  console.log("Building the web app …");
  const draft = mkdtempSync(join(dirname(dist), ".dist-"));
  // A server need not run as who builds: by itself the folder is closed to others.
  chmodSync(draft, 0o755);
  try {
    await build(viteConfig(draft, options.label));
    const read = (path: string): Uint8Array => readFileSync(join(draft, path));
    const page = join(draft, "index.html");
    writeFileSync(page, withIntegrity(readFileSync(page, "utf8"), read));
    const initial = checkBudget(draft, read);
    await buildServiceWorker(draft);
    for (const file of globSync(compressible, { cwd: draft })) {
      const content = read(file);
      writeFileSync(join(draft, `${file}.br`), brotliCompressSync(content));
      writeFileSync(join(draft, `${file}.gz`), gzipSync(content, { level: 9 }));
    }
    writeFileSync(join(draft, initialFile), initial.join("\n"));
    writeFileSync(join(draft, stampFile), sources);
    rmSync(dist, { recursive: true, force: true });
    renameSync(draft, dist);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Returns the files that are there at the start. */
function checkBudget(draft: string, read: (path: string) => Uint8Array): readonly string[] {
  const page = readFileSync(join(draft, "index.html"), "utf8");
  const entries = [...page.matchAll(/\/assets\/([^"]+\.js)"/g)].map(([, name = ""]) => name);
  const engine = globSync("{worker,messenger}-*.js", { cwd: join(draft, "assets") });
  if (engine.length !== 2) throw new Error("the worker and the messenger are not in the bundle");
  const sizes = initialSizes([...entries, ...engine], read);
  const sum = [...sizes.values()].reduce((a, b) => a + b, 0);
  for (const [file, size] of sizes) console.log(`  ${file}: ${kib(size)}`);
  console.log(`  at the start: ${kib(sum)} of at most ${kib(MOST_INITIAL_BYTES)}, compressed`);
  if (sum > MOST_INITIAL_BYTES)
    throw new Error("the web app is larger than its budget: see apps/web/build/budget.ts");
  return [...sizes.keys()];
}
