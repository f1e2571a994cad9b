/** Builds the service worker, which names every file of the bundle with its hash. It must be the last step: what changes later is refused. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "vite";

const source = resolve(import.meta.dirname, "../src/offline/service-worker.ts");

/**
 * What no page needs without its server: the word lists that new passphrases are measured by (accounts are made with the server), which
 * would be most of the bytes.
 */
const onlyWithServer = /^assets\/strength-/;

/** Writes service-worker.js into a folder that holds a whole bundle. */
export async function buildServiceWorker(folder: string): Promise<void> {
  const names = globSync("**/*.*", { cwd: folder }).filter((name) => !onlyWithServer.test(name));
  const files = Object.fromEntries(
    names.toSorted().map((name) => {
      const hash = createHash("sha384")
        .update(readFileSync(join(folder, name)))
        .digest("base64");
      return [name === "index.html" ? "/" : `/${name}`, `sha384-${hash}`];
    }),
  );
  const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  await build({
    root: resolve(import.meta.dirname, ".."),
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    define: { SOTTO_BUILD: JSON.stringify({ version, files }) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: "es2023",
      modulePreload: false,
      rolldownOptions: {
        input: source,
        // One file at the root, whose scope is all of the app; its name stays, since browsers ask for it by name.
        output: { format: "iife", entryFileNames: "service-worker.js" },
        checks: { pluginTimings: false },
      },
    },
  });
}
