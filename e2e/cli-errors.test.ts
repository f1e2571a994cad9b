/** Every command explains itself, every error says what to do next, and nothing waits for a person who is not there. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { launcher, parseLines, start, type Result } from "./support/sotto.ts";

const home = mkdtempSync(join(tmpdir(), "sotto-errors-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Result> =>
  start(args, { SOTTO_HOME: join(home, "none"), ...env }).ended;

const commands = [
  "serve",
  "register",
  "send",
  "receive",
  "save",
  "history",
  "group",
  "group create",
  "group add",
  "group remove",
  "group rename",
  "group leave",
  "group admins",
  "group members",
  "group list",
  "doctor",
  "contacts",
  "contacts add",
  "contacts acknowledge",
  "verify",
  "devices",
  "devices link",
  "devices approve",
  "devices revoke",
  "recover",
  "reset",
  "keys",
  "keys show",
  "keys rotate",
  "keys revoke",
  "keys export",
  "passphrase",
  "passphrase change",
  "settings",
  "export",
  "chat",
  "admin",
];

describe("help", () => {
  test.each(commands)("sotto %s --help has an example", async (command) => {
    const { code, stdout, stderr } = await run([...command.split(" "), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: sotto /);
    expect(stdout).toMatch(/^Examples?:\n {2}\S/m);
  });

  test("sotto help lists every command", async () => {
    const { code, stdout } = await run(["help"]);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command.split(" ")[0]} `, "m"));
  });

  test("sotto help COMMAND and --version work", async () => {
    expect((await run(["help", "send"])).stdout).toContain("Usage: sotto send");
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("the launcher", () => {
  const root = resolve(import.meta.dirname, "..");

  test("works through links, from any folder, whatever Node is on the path", () => {
    const linked = join(home, "my-sotto");
    symlinkSync(join(root, "node_modules/.bin/sotto"), linked);
    const answer = spawnSync(linked, ["--version"], {
      cwd: tmpdir(),
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", HOME: home },
    });
    expect(answer).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^\d/) as string });
  });

  test("without an installation it says what to do", () => {
    mkdirSync(join(home, "bare/apps/cli/bin"), { recursive: true });
    const copy = join(home, "bare/apps/cli/bin/sotto");
    copyFileSync(launcher, copy);
    // A path with the usual tools and an old Node.
    const old = join(home, "old");
    mkdirSync(old);
    writeFileSync(join(old, "node"), "#!/bin/sh\necho 20\n", { mode: 0o755 });
    const answer = spawnSync(copy, ["--version"], {
      encoding: "utf8",
      env: { PATH: `${old}:/usr/bin:/bin` },
    });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(/Node 24[\s\S]*npm install/);
  });
});

/** An empty file, and a folder, of that age. */
const touch = (path: string, secondsAgo: number): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  const time = new Date(Date.now() - secondsAgo * 1000);
  utimesSync(path, time, time);
  utimesSync(dirname(path), time, time);
};

describe("the launcher's choice", () => {
  const root = join(home, "chooses");
  const copy = join(root, "apps/cli/bin/sotto");
  const source = join(root, "packages/client/src/sdk.ts");
  /** What it starts, seen from the checkout's root. */
  const started = (): string => spawnSync(copy, [], { encoding: "utf8" }).stdout.trim();

  test("the bundle while no source is newer, and the sources else", () => {
    for (const folder of ["apps/cli/bin", "node_modules/.bin"])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(launcher, copy);
    writeFileSync(join(root, "node_modules/.bin/node"), `#!/bin/sh\necho "\${1#${root}/}"\n`, {
      mode: 0o755,
    });
    touch(source, 100);
    expect(started()).toBe("apps/cli/src/main.ts");
    touch(join(root, "apps/cli/dist/main.js"), 50);
    touch(join(root, "apps/cli/dist/.made"), 50);
    expect(started()).toBe("apps/cli/dist/main.js");
    touch(join(root, "apps/web/src/page.tsx"), 10);
    expect(started()).toBe("apps/cli/dist/main.js");
    touch(source, 10);
    expect(started()).toBe("apps/cli/src/main.ts");
    touch(join(root, "apps/cli/dist/.made"), 5);
    expect(started()).toBe("apps/cli/dist/main.js");
    // Nothing but a folder's time tells of a file that went.
    rmSync(source);
    expect(started()).toBe("apps/cli/src/main.ts");
  });
});

describe("wrong usage: exit code 2, on standard error, with the next step", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["no command", [], /no command given/],
    ["an unknown command", ["sned"], /no command 'sned'/],
    ["an unknown option", ["send", "+15551230002", "--loud"], /unknown option '--loud'/],
    ["a missing argument", ["send"], /missing required argument 'to'/],
    ["a subcommand that is missing", ["keys"], /needs one of its subcommands/],
    ["a subcommand that does not exist", ["devices", "lnik"], /'sotto devices' has no subcommand 'lnik'/],
    ["a subcommand without its argument", ["devices", "approve"], /sotto devices approve --help/],
    ["a contact who is a group", ["verify", "Book club"], /sotto contacts/],
    ["a group without members", ["group", "create", "Club"], /missing required argument 'member'/],
    ["a member who is none", ["group", "create", "Club", "Bob"], /phone number/],
    [
      "somebody who is both made and unmade",
      ["group", "admins", "Club", "--add", "+15551230002", "--remove", "+15551230002"],
      /both --add and --remove/,
    ],
    ["a wrong phone number", ["send", "12", "hi"], /phone number/],
    ["a wrong number of seconds", ["receive", "--wait", "soon"], /number of seconds/],
    ["a wrong choice", ["export", "--format", "pdf"], /json, txt, html/],
    ["a missing format", ["export"], /--format/],
    [
      "options that exclude each other",
      ["verify", "+15551230002", "--confirm", "--revoke"],
      /exclude each other/,
    ],
    ["a phone number where an e-mail address belongs", ["register", "--email", "+15551230001"], /--email/],
  ])("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^ {2}What to do: \S/m);
  });

  test.each<[string, readonly string[], Record<string, string>, RegExp]>([
    ["the server", ["register", "--phone", "+15551230001"], {}, /--server.*SOTTO_SERVER/s],
    ["the phone number", ["register", "--server", "http://127.0.0.1:1"], {}, /--phone/],
    [
      "the key of a far server",
      ["register", "--server", "https://192.0.2.1", "--server-key", "nonsense", "--phone", "+15551230001"],
      {},
      /fingerprint/,
    ],
    [
      "the code",
      [
        "register",
        "--server",
        "http://127.0.0.1:1",
        "--server-key",
        "A".repeat(43),
        "--phone",
        "+15551230001",
      ],
      {},
      /--code/,
    ],
    ["the passphrase", ["passphrase", "change"], {}, /SOTTO_PASSPHRASE/],
    ["a terminal for chat", ["chat"], { SOTTO_PASSPHRASE: "x" }, /sotto send/],
  ])("without a terminal, missing %s is named and never waited for", async (_what, args, env, message) => {
    const { code, stderr } = await run(args, env);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test("with --json: one object a line on standard error", async () => {
    const { code, stderr } = await run(["send", "12", "hi", "--json"]);
    expect(code).toBe(2);
    expect(parseLines(stderr)).toEqual([
      {
        type: "error",
        code: "identifier_invalid",
        message: expect.any(String) as string,
        next_step: expect.any(String) as string,
      },
    ]);
  });
});

describe("other failures: exit code 1", () => {
  test("no account yet", async () => {
    const { code, stderr } = await run(["history", "+15551230002"], { SOTTO_PASSPHRASE: "x" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/vault_missing[\s\S]*sotto register/);
  });

  test("a folder that has an account already: said before anything is asked", async () => {
    const used = join(home, "used");
    mkdirSync(used);
    writeFileSync(join(used, "vault.key"), "");
    for (const args of [
      ["devices", "link"],
      ["recover", "--phone", "+15551230001", "--code", "123456"],
    ]) {
      const { code, stderr } = await run(args, { SOTTO_HOME: used });
      expect(code).toBe(1);
      expect(stderr).toMatch(/vault_exists[\s\S]*--home/);
    }
  });

  test("a server that nobody runs", async () => {
    const args = ["register", "--server", "http://127.0.0.1:1", "--phone", "+15551230001", "--request-only"];
    const { code, stderr } = await run(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/server_unreachable[\s\S]*What to do:/);
  });

  test("a reader that goes away is no reason for a stack trace", async () => {
    const running = start(["help"], {});
    running.child.stdout?.destroy();
    const { stderr } = await running.ended;
    expect(stderr).not.toMatch(/at .*\.ts:\d+|EPIPE/);
  });
});
