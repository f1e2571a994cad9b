/**
 * What the Dockerfile puts into an image, without a container engine: its files, copied as it says, are all that a server and people need to
 * register and to pass a message, and whoever it runs as can read them.
 */
import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { startServer } from "@sotto/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDocument, root } from "./documents.ts";
import { settings, settingsIn } from "./support/settings.ts";

const dockerfile = readDocument("deploy/docker/Dockerfile").replaceAll("\\\n", "");
const lines = (instruction: string): string[] =>
  Array.from(dockerfile.matchAll(new RegExp(`^${instruction} +(.+)$`, "gm")), ([, rest = ""]) => rest);
/** From the stage that builds: where it lies there, and where in the image. */
const copied = lines("COPY").flatMap((line) => {
  const [, from = "", to = ""] = /^--from=build (\S+) (\S+)$/.exec(line) ?? [];
  return from === "" ? [] : [{ from, to }];
});
const node = "/usr/local/bin/node";
const workdir = "/opt/sotto";

test("runs the Node that everything else runs on, as nobody, with settings that are", () => {
  const manifest = JSON.parse(readDocument("package.json")) as { devDependencies: Record<string, string> };
  const release = "bookworm-slim";
  expect(lines("FROM")).toEqual([
    `node:${manifest.devDependencies["node"]}-${release} AS build`,
    // Of the same release, for the libraries that Node was linked to.
    `debian:${release}`,
  ]);
  expect(lines("USER")).toEqual(["10001:10001"]);
  expect(lines("WORKDIR")).toEqual([workdir, workdir]);
  expect(settingsIn(lines("ENV").join(" ")).filter((name) => !settings.has(name))).toEqual([]);
});

test("its health check says yes of a server that serves, and no of none", async () => {
  const [check = ""] = lines("HEALTHCHECK").map((line) => line.slice(line.indexOf("CMD ") + 4));
  const [program, ...args] = JSON.parse(check) as string[];
  expect(program).toBe("node");
  const folder = mkdtempSync(join(tmpdir(), "sotto-health-"));
  const server = await startServer({ data: join(folder, "data"), port: 0, logLevel: "silent" });
  const ask = async (): Promise<number | null> => {
    const env = { SOTTO_PORT: new URL(server.address).port };
    const child = spawn(process.execPath, args, { env });
    return new Promise((resolve) => void child.once("exit", resolve));
  };
  try {
    expect(await ask()).toBe(0);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  expect(await ask()).toBe(1);
});

describe("the files of the image alone", () => {
  let folder = "";
  const inImage = (path: string): string => join(folder, "image", path);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sotto-image-"));
    for (const { from, to } of copied) {
      const target = inImage(to.startsWith("/") ? to : join(workdir, to));
      mkdirSync(dirname(target), { recursive: true });
      if (from === node) symlinkSync(process.execPath, target);
      else cpSync(from.replace(workdir, root), target, { recursive: true });
    }
    const [, target = "", link = ""] = /ln -s (\S+) (\S+)/.exec(dockerfile) ?? [];
    symlinkSync(inImage(target), inImage(link));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("hold no packages, and can be read by whoever runs them", () => {
    expect(copied.map(({ from }) => from)).toContain(node);
    const found = copied.flatMap(({ from }) => {
      const path = from.replace(workdir, root);
      return from === node ? [] : [path, ...globSync(`${path}/**`)];
    });
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter((path) => /node_modules|\.tsx?$/.test(path.slice(root.length)))).toEqual([]);
    // By their modes where they are built, which COPY keeps.
    const closed = found.filter((path) => {
      const stat = statSync(path);
      const needed = stat.isDirectory() ? 0o005 : 0o004;
      return (stat.mode & needed) !== needed;
    });
    expect(closed).toEqual([]);
  });

  test("serve the page and the metrics that operators watch, register two people and pass a message", async () => {
    const [entry = ""] = JSON.parse(lines("ENTRYPOINT")[0] ?? "[]") as string[];
    const [command = ""] = JSON.parse(lines("CMD")[0] ?? "[]") as string[];
    const env = {
      PATH: `${inImage("/usr/local/bin")}:/usr/bin:/bin`,
      ...Object.fromEntries(
        (lines("ENV")[0] ?? "").split(" ").map((pair) => pair.split("=", 2) as [string, string]),
      ),
      SOTTO_DATA: join(folder, "data"),
      SOTTO_HOST: "127.0.0.1",
      SOTTO_PORT: "0",
      SOTTO_LOG_LEVEL: "error",
      SOTTO_OTP: `file:${join(folder, "codes")}`,
    };
    const server = spawn(inImage(`/usr/local/bin/${entry}`), [command], {
      cwd: inImage(workdir),
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => void server.once("exit", resolve));
    try {
      const url = await new Promise<string>((found, fail) => {
        let printed = "";
        server.stdout.setEncoding("utf8").on("data", (chunk: string) => {
          printed += chunk;
          const address = /listening on (http:\S+)\n/.exec(printed)?.[1];
          if (address !== undefined) found(address);
        });
        void ended.then(() => fail(new Error(`ended, and printed only: ${printed}`)));
      });
      const page = await fetch(url);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);

      const sotto = async (who: string, ...args: readonly string[]): Promise<string> => {
        const own = {
          SOTTO_HOME: join(folder, who),
          SOTTO_SERVER: url,
          SOTTO_PASSPHRASE: "correct horse battery",
        };
        const { stdout } = await promisify(execFile)(inImage(`/usr/local/bin/${entry}`), args, {
          env: { ...env, ...own },
        });
        return stdout;
      };
      const register = async (who: string, phone: string): Promise<void> => {
        await sotto(who, "register", "--phone", phone, "--request-only");
        const sent = readFileSync(join(folder, "codes"), "utf8").trimEnd().split("\n").at(-1) ?? "";
        await sotto(who, "register", "--phone", phone, "--code", (JSON.parse(sent) as { code: string }).code);
      };
      const [ann, ben] = ["+15551230001", "+15551230002"];
      await register("ann", ann);
      await register("ben", ben);
      await sotto("ann", "send", ben, "Out of a small box");
      expect(await sotto("ben", "receive")).toContain("Out of a small box");

      const metrics = await (await fetch(`${url}/metrics`)).text();
      const watched = ["deploy/grafana/sotto.json", "deploy/prometheus/alerts.yml"].flatMap((file) =>
        Array.from(readDocument(file).matchAll(/\b(?:sotto|nodejs|process)_[a-z]\w+/g), ([name]) => name),
      );
      const unknown = watched.filter(
        (name) =>
          !metrics.includes(`# TYPE ${name} `) &&
          !metrics.includes(`# TYPE ${name.replace(/_(?:bucket|sum|count)$/, "")} histogram`),
      );
      expect([...new Set(unknown)]).toEqual([]);
      expect(metrics).toMatch(/^sotto_entries_appended_total [1-9]/m);
    } finally {
      server.kill("SIGTERM");
      expect(await ended).toBe(0);
    }
  }, 60_000);
});
