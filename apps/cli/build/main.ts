/**
 * Bundles the `sotto` command into apps/cli/dist, so that a command starts by a few files instead of hundreds and nothing is left to strip
 * of types. With --if-stale only when what lies there is older than its sources. The new bundle takes the place of the old one whole.
 */
import {
  chmodSync,
  existsSync,
  globSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

const repository = resolve(import.meta.dirname, "../../..");
const dist = resolve(import.meta.dirname, "../dist");
/** When the bundle was begun; the launcher compares with it too. */
const stamp = join(dist, ".made");
// Folders as well: they tell of files that went. The same list as in bin/sotto.
const sources = [
  "apps/cli/{build,src}/**",
  "packages/{protocol,crypto,client,server}/src/**",
  "package-lock.json",
];

if (!process.argv.includes("--if-stale") || isStale()) await makeBundle();

function isStale(): boolean {
  if (!existsSync(stamp)) return true;
  const made = statSync(stamp).mtimeMs;
  return globSync(sources, { cwd: repository }).some(
    (path) => statSync(join(repository, path)).mtimeMs > made,
  );
}

async function makeBundle(): Promise<void> {
  const draft = mkdtempSync(join(dirname(dist), ".dist-"));
  // A server need not run as who builds: by itself the folder is closed to others.
  chmodSync(draft, 0o755);
  try {
    // Before anything is read: what changes meanwhile is newer.
    writeFileSync(join(draft, ".made"), "");
    const bundle = await rolldown({
      input: { main: resolve(import.meta.dirname, "../src/main.ts") },
      platform: "node",
      // Only there for whoever debugs the terminal view itself.
      external: ["react-devtools-core"],
      onLog: (level, log, handle) => {
        if (log.code !== "EVAL") handle(level, log);
      },
    });
    await bundle.write({
      dir: draft,
      format: "esm",
      entryFileNames: "[name].js",
      // As deep as the sources are: commands find the web app by their own place.
      chunkFileNames: "parts/[name]-[hash].js",
    });
    await bundle.close();
    rmSync(dist, { recursive: true, force: true });
    renameSync(draft, dist);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
