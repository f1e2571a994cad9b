/** The script that runs before the first paint: a file of its own with a hash in its name, since no code may stand in the page. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "vite";

const source = resolve(import.meta.dirname, "../src/theme/early.js");
const name = "early.js";

/** Adds it to the bundle, and names it first in the page. */
export function earlyScript(): Plugin {
  return {
    name: "early-script",
    buildStart() {
      this.emitFile({ type: "asset", name, source: readFileSync(source) });
    },
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle = {} }) {
        const file = Object.values(bundle).find((one) => one.type === "asset" && one.names.includes(name));
        if (file === undefined) throw new Error(`${name} is not in the bundle`);
        return [{ tag: "script", attrs: { src: `/${file.fileName}` }, injectTo: "head-prepend" }];
      },
    },
  };
}
