/**
 * The service worker: opens the app without its server. It runs apart from all tabs, and holds no key of anybody: what it answers with are
 * the app's own files. Another build waits until the person lets it in (updates.ts), then takes over all tabs at once.
 */
import { fileFor, forgetBuildsBut, keepBuild, keptBuilds, type Build } from "./precache.ts";
import { openClicked } from "./clicks.ts";
import { showThatSomethingCame } from "./pushes.ts";
import type { ServiceWorkerScope } from "./worker-types.ts";

/** Put in by the build. */
declare const SOTTO_BUILD: Build;

const scope = globalThis as unknown as ServiceWorkerScope;

scope.addEventListener("install", (event) => event.waitUntil(keepBuild(SOTTO_BUILD)));

scope.addEventListener("activate", (event) =>
  event.waitUntil(
    (async () => {
      // Tabs of the build before may ask for parts of it until they are loaded anew, and one between may never have been let in.
      const others = (await keptBuilds()).filter((version) => version !== SOTTO_BUILD.version);
      await forgetBuildsBut([SOTTO_BUILD.version, ...others.slice(-2)]);
      // The very first: tabs that are open already need it as well.
      await scope.clients.claim();
    })(),
  ),
);

scope.addEventListener("fetch", (event) => {
  const file = fileFor(SOTTO_BUILD, event.request);
  if (file !== undefined) event.respondWith(file);
});

scope.addEventListener("message", (event) => {
  const { type } = (event.data ?? {}) as { readonly type?: unknown };
  if (type === "apply") event.waitUntil(scope.skipWaiting());
});

scope.addEventListener("notificationclick", (event) =>
  event.waitUntil(openClicked(scope, event.notification)),
);
scope.addEventListener("push", (event) => event.waitUntil(showThatSomethingCame(scope)));
