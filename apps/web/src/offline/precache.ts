/**
 * The files of one build, kept so that the app opens without its server. Only what the build named, each checked against the hash that the
 * build gave it (W3C SRI): nothing of the API is ever kept, and headers with their Content Security Policy are kept with each file.
 *
 * Files under assets/ carry their hash in their name, so that they are taken over from the build before, and those of the build before stay
 * as long as tabs of it may ask for them.
 */

/** What a build is made of: path → integrity. */
export interface Build {
  /** Names the build. */
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

const prefix = "sotto-app/";
const nameOf = (version: string): string => prefix + version;

/** Fetches what is not there yet, all of it or nothing. @throws TypeError for a file that cannot be had, or is another. */
export async function keepBuild({ version, files }: Build): Promise<void> {
  const name = nameOf(version);
  const cache = await caches.open(name);
  try {
    await Promise.all(
      Object.entries(files).map(async ([path, integrity]) => {
        const known = isHashed(path) ? await caches.match(path) : undefined;
        await cache.put(path, known ?? (await fetchFile(path, integrity)));
      }),
    );
  } catch (cause) {
    await caches.delete(name);
    throw cause;
  }
}

/** Forgets all builds but these. */
export async function forgetBuildsBut(versions: readonly string[]): Promise<void> {
  const kept = new Set(versions.map(nameOf));
  for (const name of await caches.keys()) {
    if (name.startsWith(prefix) && !kept.has(name)) await caches.delete(name);
  }
}

/** The versions that are kept. */
export async function keptBuilds(): Promise<readonly string[]> {
  return (await caches.keys())
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

/** The file that answers a request; undefined when it is the server's to answer. */
export function fileFor({ version, files }: Build, request: Request): Promise<Response> | undefined {
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return undefined;
  const path = request.mode === "navigate" && pathname === "/index.html" ? "/" : pathname;
  if (Object.hasOwn(files, path)) return kept(nameOf(version), path, request);
  return isHashed(path) ? kept(undefined, path, request) : undefined;
}

async function kept(cacheName: string | undefined, path: string, request: Request): Promise<Response> {
  const found = await caches.match(path, cacheName === undefined ? {} : { cacheName });
  // The browser may have made room.
  return found ?? fetch(request);
}

async function fetchFile(path: string, integrity: string): Promise<Response> {
  const response = await fetch(path, {
    integrity,
    cache: "no-cache",
    credentials: "omit",
    redirect: "error",
  });
  if (!response.ok) throw new TypeError("a file of the app cannot be had");
  return response;
}

const isHashed = (path: string): boolean => path.startsWith("/assets/");
