/** How the web app is bundled: hashed files, no inline code, workers as modules. */
import { resolve } from "node:path";
import { createLogger, type InlineConfig, type Logger } from "vite";
import { earlyScript } from "./early-script.ts";

const root = resolve(import.meta.dirname, "..");

/** Vite's configuration; `outDir` is emptied. @param label of this version, empty for the plain one. */
export function viteConfig(outDir: string, label: string): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: "warn",
    customLogger: quietLogger(),
    plugins: [earlyScript()],
    resolve: {
      alias: [
        // See engine/e164.ts.
        { find: "libphonenumber-js/max", replacement: resolve(root, "src/engine/e164.ts") },
        // React's interface in a tenth of its size: spec/decisions/0030-preact.md.
        { find: /^react-dom\/client$/, replacement: "preact/compat/client" },
        { find: /^react-dom$/, replacement: "preact/compat" },
        { find: /^react\/jsx-runtime$/, replacement: "preact/jsx-runtime" },
        { find: /^react$/, replacement: "preact/compat" },
      ],
    },
    define: { SOTTO_LABEL: JSON.stringify(label) },
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { checks: { pluginTimings: false } },
      // budget.ts bounds what is there at the start.
      chunkSizeWarningLimit: 2_000,
    },
  };
}

/** @hpke/common looks for node:crypto where there is no WebCrypto: in browsers there is. */
function quietLogger(): Logger {
  const logger = createLogger("warn");
  return {
    ...logger,
    warn(message, options) {
      if (!message.includes('Module "crypto" has been externalized')) logger.warn(message, options);
    },
  };
}
