/**
 * Holds the layout: dependencies point one way, only apps choose adapters, and core code reaches the world only
 * through its ports. It reads the sources and the package.json files, so that nobody has to remember.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** What each workspace's sources may import of the others. */
const arrows: Record<string, readonly string[]> = {
  "packages/protocol": [],
  "packages/crypto": ["@sotto/protocol"],
  "packages/client": ["@sotto/protocol", "@sotto/crypto"],
  "packages/server": ["@sotto/protocol"],
  "packages/testkit": ["@sotto/protocol", "@sotto/crypto", "@sotto/client", "@sotto/server"],
  "apps/cli": ["@sotto/protocol", "@sotto/crypto", "@sotto/client", "@sotto/server"],
  "apps/web": ["@sotto/protocol", "@sotto/client"],
};

/** Folders (or files) that may use nothing but what is handed to them. */
const pure = [
  { files: "packages/protocol/src/**/*.ts", except: "" },
  { files: "packages/crypto/src/**/*.ts", except: "packages/crypto/src/providers/" },
  { files: "packages/client/src/core/**/*.ts", except: "" },
  { files: "packages/server/src/core/**/*.ts", except: "" },
];

/** The clock, randomness, timers, the network and the process, as they would be written. */
const worldly =
  /\b(?:Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|fetch\(|new WebSocket|crypto\.(?:getRandomValues|subtle|randomUUID)|process\.\w+|globalThis\.(?:crypto|fetch|process))/;

interface Import {
  readonly file: string;
  readonly target: string;
}

const stripComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");

function sources(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).filter((file) => !file.includes("/gen/"));
}

function importsOf(file: string): Import[] {
  const source = stripComments(readFileSync(join(root, file), "utf8"));
  const found = source.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^\s*import\s+)"([^"]+)"/gm);
  return Array.from(found, (match) => ({ file, target: match[1] ?? "" }));
}

const bare = (target: string): boolean => !target.startsWith(".") && !target.startsWith("node:");

function packageName(target: string): string {
  const parts = target.split("/");
  return target.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

describe.each(Object.entries(arrows))("%s", (workspace, allowed) => {
  const files = sources(`${workspace}/src/**/*.{ts,tsx}`);
  const imports = files.flatMap((file) => importsOf(file));
  const manifest = JSON.parse(readFileSync(join(root, workspace, "package.json"), "utf8")) as {
    name: string;
    dependencies?: Record<string, string>;
  };

  test("has sources", () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test("imports only the packages that its arrows allow", () => {
    const wrong = imports.filter(
      ({ target }) => target.startsWith("@sotto/") && !allowed.includes(packageName(target)),
    );
    expect(wrong).toEqual([]);
  });

  test("declares in package.json what it imports, and depends on nothing that its arrows forbid", () => {
    const declared = Object.keys(manifest.dependencies ?? {});
    const missing = imports.filter(({ target }) => bare(target) && !declared.includes(packageName(target)));
    expect(missing).toEqual([]);
    expect(declared.filter((name) => name.startsWith("@sotto/") && !allowed.includes(name))).toEqual([]);
  });

  test("reaches into no other workspace by a relative path", () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        target.startsWith(".") &&
        relative(join(root, workspace), join(root, dirname(file), target)).startsWith(".."),
    );
    expect(wrong).toEqual([]);
  });
});

describe.each(pure)("pure: $files", ({ files, except }) => {
  const checked = sources(files).filter((file) => except === "" || !file.startsWith(except));

  test("imports no node: module and no adapter", () => {
    const wrong = checked
      .flatMap((file) => importsOf(file))
      .filter(({ target }) => target.startsWith("node:") || /\/(?:adapters|providers|http)\//.test(target));
    expect(wrong).toEqual([]);
  });

  test("uses no clock, randomness, timer or network of its own", () => {
    const wrong = checked.flatMap((file) =>
      stripComments(readFileSync(join(root, file), "utf8"))
        .split("\n")
        .filter((line) => worldly.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(wrong).toEqual([]);
  });
});

test("the rules themselves can fail", () => {
  expect(worldly.test("const now = Date.now();")).toBe(true);
  expect(stripComments("/* Date.now */\n// Date.now\nx")).not.toMatch(worldly);
  expect(importsOf("packages/protocol/src/codec.ts").map(({ target }) => target)).toContain(
    "@bufbuild/protobuf",
  );
});
