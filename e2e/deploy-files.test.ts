/**
 * The unit and the files for containers, as far as they can be held against the rest without a container engine: what they name is there, what
 * they set are settings, nothing runs as root. What the image holds is in deploy-image.test.ts.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readDocument, root } from "./documents.ts";
import { settings, settingsIn } from "./support/settings.ts";

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
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly command?: string | readonly string[];
  readonly deploy?: { readonly replicas: number };
}

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

  test("sotto-admin runs as it does: its user, its settings, its folder", () => {
    const admin = readDocument("deploy/systemd/sotto-admin");
    const command = admin.slice(admin.indexOf("systemd-run"));
    const same = ["User", "Group", "UMask", "StateDirectory", "StateDirectoryMode", "EnvironmentFile"];
    for (const name of same) {
      const value = new RegExp(`^${name}=(.+)$`, "m").exec(unit)?.[1];
      expect(command).toContain(`--property=${name}=${value} `);
    }
    expect(unit).toContain(`Environment=${/--setenv=(SOTTO_DATA=\S+)/.exec(command)?.[1]}\n`);
    expect(command).toContain(`${program} admin "$@"`);
    execFileSync("sh", ["-n", join(root, "deploy/systemd/sotto-admin")]);
  });

  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
  test("is a unit to systemd, and exposes little of the system", ({ skip }) => {
    if (!hasSystemd) {
      if (process.env["CI"])
        throw new Error("in CI this test needs systemd-analyze, which Debian's systemd brings");
      skip("systemd-analyze is not installed (Debian: systemd), so the unit was not read");
    }
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

describe("deploy/docker/compose.yml", () => {
  // As an engine reads it: nothing is set, and two dollars are one.
  const text = readDocument("deploy/docker/compose.yml")
    .replaceAll(/(?<!\$)\$\{\w+:-([^}]*)\}/g, "$1")
    .replaceAll("$$", "$");
  const compose = parse(text, { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes: Readonly<Record<string, unknown>>;
    readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  };
  const services = Object.entries(compose.services);
  const serviceOf = (name: string): Service => {
    const service = compose.services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    return service;
  };

  test.each(services)("%s runs without root and privileges, and cannot write to its system", (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(["single", "cluster"]).toContain(service.profiles.join());
  });

  test.each(services)("%s sets settings, and uses files and volumes that there are", (_, service) => {
    const environment = Object.entries(service.environment ?? {});
    const names = environment.flatMap(([name]) => (name.startsWith("SOTTO_") ? [name] : []));
    expect(names.filter((name) => !settings.has(name.replace(/_FILE$/, "")))).toEqual([]);
    // Whoever may ask the engine reads the environment of all containers.
    const secret = environment.filter(([name]) => /PASSWORD|TOKEN|_OTP|DATABASE/.test(name));
    expect(secret.filter(([name]) => !name.endsWith("_FILE"))).toEqual([]);
    const { build = { context: ".", dockerfile: "compose.yml" }, volumes = [] } = service;
    expect(existsSync(join(root, "deploy/docker", build.context, build.dockerfile))).toBe(true);
    const used = volumes.map((volume) => volume.split(":")[0] ?? "");
    const [files, named] = [
      used.filter((name) => name.startsWith("./")),
      used.filter((name) => !name.startsWith("./")),
    ];
    expect(files.filter((name) => !existsSync(join(root, "deploy/docker", name)))).toEqual([]);
    expect(named.filter((name) => !Object.hasOwn(compose.volumes, name))).toEqual([]);
  });

  test("the cluster: three nodes that know the database and every NATS, behind a balancer that knows them", () => {
    const node = serviceOf("node");
    expect(node.deploy?.replicas).toBe(3);
    const natsHosts = (node.environment?.["SOTTO_NATS"] ?? "").split(" ").map((url) => new URL(url).hostname);
    const members = services.filter(([, { image }]) => image.startsWith("nats:")).map(([name]) => name);
    expect(natsHosts).toEqual(members);
    for (const member of members) expect(serviceOf(member).command).toContain(`nats://${member}:6222`);

    const published = services.filter(([, { ports = [] }]) => ports.length > 0).map(([name]) => name);
    expect(published).toEqual(["sotto", "balancer"]);
    const balancer = readDocument("deploy/docker/haproxy.cfg");
    expect(balancer).toContain("httpchk GET /readyz");
    expect(balancer).toMatch(/^ {2}server-template \w+ 1-\d+ node:8787$/m);
    for (const port of serviceOf("balancer").ports ?? []) {
      expect(balancer).toContain(`bind :${port.split(":").at(-1)}\n`);
    }
    // The database and NATS are out of the balancer's reach, and of everybody's.
    const inner = services
      .filter(([, { networks = [] }]) => networks.includes("behind"))
      .map(([name]) => name);
    expect(inner).toEqual(["node", "postgres", ...members]);
    expect(compose.networks["behind"]?.internal).toBe(true);
  });

  test("the database's password is made once, and told to the database and the nodes", () => {
    const [script = ""] = serviceOf("passwords").command ?? [];
    inFolder((folder) => {
      const make = (): string => {
        execFileSync("sh", ["-c", script.replace("/secrets", folder)]);
        return readFileSync(join(folder, "database-url"), "utf8");
      };
      const url = new URL(make());
      expect(make()).toBe(url.href);
      expect(url.password).toMatch(/^[0-9a-f]{48}$/);
      const { environment = {} } = serviceOf("postgres");
      const given = readFileSync(join(folder, basename(environment["POSTGRES_PASSWORD_FILE"] ?? "")), "utf8");
      expect([url.hostname, url.username, url.pathname, url.password]).toEqual([
        "postgres",
        environment["POSTGRES_USER"],
        `/${environment["POSTGRES_DB"]}`,
        given,
      ]);
      expect(serviceOf("node").environment?.["SOTTO_DATABASE_FILE"]).toBe("/secrets/database-url");
    });
  });
});
