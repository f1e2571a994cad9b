/** The one Trusted Types policy: scripts are the app's own files, named here, and nothing else ever is. */
import workerUrl from "../engine/worker.ts?worker&url";

interface ScriptUrls {
  createScriptURL(url: string): unknown;
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrls;
}

const serviceWorkerUrl = "/service-worker.js";

const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("sotto", {
  createScriptURL(url) {
    if (url !== workerUrl && url !== serviceWorkerUrl) throw new TypeError("not a script of this app");
    return url;
  },
});

/** Starts the engine's worker. @param name of the vault that it uses. */
export function startWorker(name: string): Worker {
  return new Worker(trusted(workerUrl), { type: "module", name });
}

/** Registers the service worker for all of the app. The browser asks the server for it, never its own cache. */
export function registerServiceWorker(): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.register(trusted(serviceWorkerUrl), { scope: "/", updateViaCache: "none" });
}

const trusted = (url: string): string => (policy?.createScriptURL(url) ?? url) as string;
