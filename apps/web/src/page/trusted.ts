/** The one Trusted Types policy: scripts are the app's own files, named here at build time, and nothing else ever is. */
import workerUrl from "../engine/worker.ts?worker&url";

interface ScriptUrls {
  createScriptURL(url: string): unknown;
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrls;
}

const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("sotto", {
  createScriptURL(url) {
    if (url !== workerUrl) throw new TypeError("not a script of this app");
    return url;
  },
});

/** Starts the engine's worker. @param name of the vault that it uses. */
export function startWorker(name: string): Worker {
  const url = (policy?.createScriptURL(workerUrl) ?? workerUrl) as string;
  return new Worker(url, { type: "module", name });
}
