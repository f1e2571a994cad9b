/** How the web app is bundled: hashed files, no inline code, workers as modules. */
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import type { InlineConfig } from "vite";

const root = resolve(import.meta.dirname, "..");

/** Vite's configuration; `outDir` is emptied. */
export function viteConfig(outDir: string): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [react()],
    // See engine/e164.ts.
    resolve: { alias: { "libphonenumber-js/max": resolve(root, "src/engine/e164.ts") } },
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      manifest: true,
    },
  };
}
