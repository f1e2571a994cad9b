/**
 * The unit and the container files, as far as they can be held against the rest without a container engine: what they name is there, what they
 * set are settings, nothing runs as root.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { startServer } from "@sotto/server";
import { readDocument, root, tableAfter } from "./documents.ts";

interface Service {
  readonly image: string;
  readonly profiles: readonly string[];
  readonly user: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}
interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
const settings = new Set(
  tableAfter(readDocument("docs/operate.md"), "<!-- test:config -->").map(([, , env = ""]) => env),
);
const settingsIn = (text: string): string[] => Array.from(text.matchAll(/\bSOTTO_\w+/g), ([name]) => name);

/** A folder for one piece of work. */
function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "sotto-deploy-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("deploy/systemd/sotto.service", () => {
  const unit = readDocument("deploy/systemd/sotto.service");
  const program = "/opt/sotto/apps/cli/bin/sotto";

  test("starts a program that is there, with settings that are", () => {
    expect(unit).toContain(`ExecStart=${program} serve\n`);
    expect(existsSync(join(root, program.replace("/opt/sotto/", "")))).toBe(true);
    expect(settingsIn(unit).filter((name) => !settings.has(name) && name !== "SOTTO_")).toEqual([]);
  });

  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
  test.skipIf(!hasSystemd)("is a unit to systemd, and exposes little of the system", () => {
    inFolder((folder) => {
      const file = join(folder, "sotto.service");
      writeFileSync(file, unit.replaceAll("/opt/sotto", root));
      const verified = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
      expect([verified.status, verified.stderr]).toEqual([0, ""]);
      // Of 10 an exposure of at most 2.
      execFileSync("systemd-analyze", ["security", "--offline=yes", "--threshold=20", file], {
        stdio: "pipe",
      });
    });
  });
});

describe("deploy/docker/Dockerfile", () => {
  const dockerfile = readDocument("deploy/docker/Dockerfile").replaceAll("\\\n", "");
  const lines = (instruction: string): string[] =>
    Array.from(dockerfile.matchAll(new RegExp(`^${instruction} +(.+)$`, "gm")), ([, rest = ""]) => rest);
  /** Made by the build itself. */
  const made = new Set(["node_modules", "apps/web/dist"]);
  const copied = lines("COPY").flatMap((line) => {
    const from = /^--from=build \/opt\/sotto\/(\S+) (\S+)$/.exec(line);
    return from === null ? [] : [from[1] ?? ""];
  });

  test("copies what there is, and all that the server's workspaces need of each other", () => {
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !made.has(path) && !existsSync(join(root, path)))).toEqual([]);
    const needed = new Set<string>();
    const need = (folder: string): void => {
      needed.add(folder);
      for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
        if (name.startsWith("@sotto/")) need(name.replace("@sotto/", "packages/"));
      }
    };
    need("apps/cli");
    const workspaces = copied.filter((path) => existsSync(join(root, path, "package.json")));
    expect(workspaces.toSorted()).toEqual(Array.from(needed).toSorted());
    const installed = Array.from(dockerfile.matchAll(/--workspace (\S+)/g), ([, name = ""]) => name);
    expect(installed.toSorted()).toEqual(workspaces.map((path) => manifestOf(path).name).toSorted());
    expect(dockerfile).toContain("npm run build:web");
  });

  test("runs the Node that everything else runs on, as nobody, with settings that are", () => {
    const node = manifestOf(".").devDependencies?.["node"];
    expect(lines("FROM").map((image) => image.split(" ")[0])).toEqual(
      Array(2).fill(`node:${node}-bookworm-slim`),
    );
    expect(lines("USER")).toEqual(["10001:10001"]);
    const entry = JSON.parse(lines("ENTRYPOINT")[0] ?? "[]") as string[];
    expect(existsSync(join(root, entry.at(-1) ?? "none"))).toBe(true);
    expect(settingsIn(lines("ENV").join(" ")).filter((name) => !settings.has(name))).toEqual([]);
  });

  test("its health check says yes of a server that serves, and no of none", async () => {
    const [check = ""] = lines("HEALTHCHECK").map((line) => line.slice(line.indexOf("CMD ") + 4));
    const [program, ...args] = JSON.parse(check) as string[];
    expect(program).toBe("node");
    const folder = mkdtempSync(join(tmpdir(), "sotto-health-"));
    const server = await startServer({ data: join(folder, "data"), port: 0, logLevel: "silent" });
    const ask = async (): Promise<number | null> => {
      const child = spawn(
        process.execPath,
        args.map((arg) => arg.replace("http://127.0.0.1:8787", server.address)),
      );
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
});

describe("deploy/docker/compose.yml", () => {
  const compose = parse(readDocument("deploy/docker/compose.yml"), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const services = Object.entries(compose.services);

  test.each(services)("%s runs without root and privileges, and cannot write to its system", (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(["single", "cluster"]).toContain(service.profiles.join());
  });

  test.each(services)("%s sets settings, builds from files and uses volumes that there are", (_, service) => {
    const names = Object.keys(service.environment ?? {}).filter((name) => name.startsWith("SOTTO_"));
    expect(names.filter((name) => !settings.has(name))).toEqual([]);
    const { build = { context: ".", dockerfile: "compose.yml" }, volumes = [] } = service;
    expect(existsSync(join(root, "deploy/docker", build.context, build.dockerfile))).toBe(true);
    const used = volumes.map((volume) => volume.split(":")[0] ?? "");
    expect(used.filter((name) => !Object.hasOwn(compose.volumes, name))).toEqual([]);
  });

  test("the cluster's server is told of the database and of every NATS", () => {
    const { SOTTO_DATABASE = "", SOTTO_NATS = "" } = compose.services["sotto-node"]?.environment ?? {};
    const databaseHost = new URL(SOTTO_DATABASE.replace(/\$\{[^}]*\}/, "x")).hostname;
    const natsHosts = SOTTO_NATS.split(" ").map((url) => new URL(url).hostname);
    const members = services.filter(([, { image }]) => image.startsWith("nats:")).map(([name]) => name);
    expect(natsHosts).toEqual(members);
    expect(compose.services[databaseHost]?.image).toContain("postgres:");
  });
});
