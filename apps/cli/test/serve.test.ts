/** `sotto serve` and `sotto admin` as processes: first start, restart, refusal, signals. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runHere } from "./support/run-here.ts";
import { runSotto, startSotto, type SottoProcess } from "./support/sotto-process.ts";

const listening = /^Sotto is listening on (http:\/\/\S+)$/m;
const fingerprint = /^Key fingerprint: (\S{43})$/m;

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "sotto-serve-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a server on a free port; returns when it accepts connections. */
async function serve(data: string, ...args: string[]): Promise<{ sotto: SottoProcess; origin: string }> {
  const sotto = startSotto(["serve", "--data", data, "--port", "0", ...args]);
  const [, origin = ""] = await sotto.waitFor(listening);
  return { sotto, origin };
}

async function stop(
  sotto: SottoProcess,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<number | NodeJS.Signals> {
  sotto.child.kill(signal);
  return sotto.ended;
}

/** Names, modes and bytes of a folder. */
function snapshot(path: string): Record<string, string> {
  const describeFile = (name: string): string =>
    `${statSync(join(path, name)).mode.toString(8)} ${readFileSync(join(path, name)).toString("base64")}`;
  return Object.fromEntries(
    readdirSync(path)
      .sort()
      .map((name) => [name, describeFile(name)]),
  );
}

/** Tries to start on a folder that must be refused and left as it is. */
const refuse = async (path: string): Promise<string> => {
  const before = snapshot(path);
  const { code, err } = await runSotto(["serve", "--data", path, "--port", "0"]);
  expect(code).toBe(1);
  expect(snapshot(path)).toEqual(before);
  return err;
};

const heard = (target: EventTarget, event: string): Promise<void> =>
  new Promise((resolve) => target.addEventListener(event, () => resolve(), { once: true }));

describe("start", () => {
  test("the first makes keys and database, and shows how to reach it; the next reuses them", async () => {
    const data = join(temporaryFolder(), "data");
    const first = await serve(data);
    const [, print = ""] = await first.sotto.waitFor(fingerprint);
    await first.sotto.waitFor(/██▄▄▄▄▄▄▄█/);
    const { host } = new URL(first.origin);
    expect(first.sotto.out()).toContain(`Invite link: sotto://${host}/?plain#${print}\n`);
    expect((statSync(data).mode & 0o777).toString(8)).toBe("700");
    for (const name of readdirSync(data)) {
      expect(`${name} ${(statSync(join(data, name)).mode & 0o077).toString(8)}`).toBe(`${name} 0`);
    }
    expect((await fetch(`${first.origin}/healthz`)).status).toBe(200);
    expect((await fetch(`${first.origin}/metrics`)).status).toBe(200);
    expect(await stop(first.sotto)).toBe(0);

    const second = await serve(data);
    expect((await second.sotto.waitFor(fingerprint))[1]).toBe(print);
    expect(await stop(second.sotto, "SIGINT")).toBe(0);
  });

  test("the log is JSON on standard error, and the console prints codes on standard output", async () => {
    const { sotto, origin } = await serve(join(temporaryFolder(), "data"));
    const home = join(temporaryFolder(), "home");
    const phone = ["--phone", "+15551230001", "--request-only"];
    await runSotto(["--home", home, "register", "--server", origin, ...phone], {
      SOTTO_PASSPHRASE: "correct horse battery",
    });
    await sotto.waitFor(/^OTP for \+15551230001: \d{6}$/m);
    expect(await stop(sotto)).toBe(0);
    const lines = sotto.err().trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "listening",
      "draining",
      "stopped",
    ]);
  });

  test("options come from flags, environment and file", async () => {
    const folder = temporaryFolder();
    const config = join(folder, "sotto.json");
    writeFileSync(config, JSON.stringify({ data: join(folder, "data"), origin: "https://chat.example.org" }));
    const sotto = startSotto(["serve", "--config", config], { SOTTO_PORT: "0", SOTTO_LOG_LEVEL: "silent" });
    await sotto.waitFor(/^Invite link: sotto:\/\/chat\.example\.org\/#\S{43}$/m);
    expect(await stop(sotto)).toBe(0);
    expect(sotto.err()).toBe("");
  });
});

describe("refusals", () => {
  test.each([
    [["--port", "http"], "port (from --port)"],
    [["--max-users", "0"], "maxUsers (from --max-users)"],
    [["--otp", "pigeon"], "otp.0 (from --otp)"],
    [["--config", "/no/such.json"], "/no/such.json"],
    [["--trusted-proxies", "x"], "trustedProxies"],
    [["--otp", "smtp://localhost?x=1"], "x is not an option of smtp"],
  ])("a wrong configuration (%j) is named before anything is made", async (args, message) => {
    const data = join(temporaryFolder(), "data");
    const { code, out, err } = await runSotto(["serve", "--data", data, "--port", "0", ...args]);
    expect(code).toBe(2);
    expect(err).toContain("[config_invalid]");
    expect(err).toContain(message);
    expect(out).toBe("");
    expect(existsSync(data)).toBe(false);
  });

  test("a damaged, an open and a foreign folder are left as they are", async () => {
    const data = join(temporaryFolder(), "data");
    await stop((await serve(data)).sotto);
    chmodSync(join(data, "server_private_key.pem"), 0o644);
    expect(await refuse(data)).toContain("[data_folder_damaged]");
    truncateSync(join(data, "sotto.db"), 5_000);
    expect(await refuse(data)).toContain("[data_folder_damaged]");
    const foreign = temporaryFolder();
    writeFileSync(join(foreign, "thesis.txt"), "words");
    expect(await refuse(foreign)).toContain("[data_folder_foreign]");
  });

  test("a second server on the same folder is refused; after SIGKILL nothing is locked", async () => {
    const data = join(temporaryFolder(), "data");
    const { sotto, origin } = await serve(data);
    const before = snapshot(data);
    const second = await runSotto(["serve", "--data", data, "--port", "0"]);
    expect([second.code, second.err]).toEqual([1, expect.stringContaining("[data_folder_locked]")]);
    expect(snapshot(data)).toEqual(before);
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    expect(await stop(sotto, "SIGKILL")).toBe("SIGKILL");
    const third = await serve(data);
    expect(await stop(third.sotto)).toBe(0);
  });

  test("a port that is taken", async () => {
    const { sotto, origin } = await serve(join(temporaryFolder(), "data"));
    const { port } = new URL(origin);
    const second = await runSotto(["serve", "--data", join(temporaryFolder(), "data"), "--port", port]);
    expect([second.code, second.err]).toEqual([1, expect.stringContaining("[address_in_use]")]);
    await stop(sotto);
  });
});

describe("signals", () => {
  test("SIGTERM closes every connection, and the process ends with 0", async () => {
    const { sotto, origin } = await serve(join(temporaryFolder(), "data"));
    const socket = new WebSocket(`${origin.replace("http", "ws")}/v1/session`);
    const { hostname, port } = new URL(origin);
    const silent = connect(Number(port), hostname);
    await Promise.all([heard(socket, "open"), once(silent, "connect")]);
    const closed = Promise.all([heard(socket, "close"), once(silent, "close")]);
    expect(await stop(sotto)).toBe(0);
    await closed;
  });

  test("the second ends it at once", async () => {
    const { sotto, origin } = await serve(join(temporaryFolder(), "data"));
    // A client that does not answer the closing handshake holds the drain up.
    const { hostname, port } = new URL(origin);
    const stubborn = connect(Number(port), hostname);
    stubborn.on("error", () => {});
    stubborn.write(
      `GET /v1/session HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await once(stubborn, "data");
    sotto.child.kill("SIGTERM");
    while (!sotto.err().includes("draining")) await once(sotto.child.stderr!, "data");
    sotto.child.kill("SIGTERM");
    expect(await sotto.ended).toBe(1);
    expect(sotto.err()).not.toContain("stopped");
  });
});

describe("signals of a service manager", () => {
  test("SIGHUP takes a renewed certificate, SIGUSR2 switches debugging on and off", async () => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const renew = (name: string): void => {
      const request = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=${name}`;
      execFileSync("openssl", [...request.split(" "), "-keyout", key, "-out", cert], { stdio: "pipe" });
    };
    renew("first");
    const sotto = startSotto(
      ["serve", "--data", join(folder, "data"), "--port", "0", "--tls-cert", cert, "--tls-key", key],
      {},
    );
    const [, port = ""] = await sotto.waitFor(/^Sotto is listening on https:\/\/127\.0\.0\.1:(\d+)$/m);
    const shownName = async (): Promise<unknown> => {
      const socket = connectTls({ port: Number(port), host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    const logged = async (text: string): Promise<void> => {
      while (!sotto.err().includes(text)) await once(sotto.child.stderr!, "data");
    };
    expect(await shownName()).toBe("first");
    renew("second");
    sotto.child.kill("SIGHUP");
    await logged("certificate loaded");
    expect(await shownName()).toBe("second");
    for (const level of ["debug", "info"]) {
      sotto.child.kill("SIGUSR2");
      await logged(`"now":"${level}","msg":"log level changed"`);
    }
    expect(await stop(sotto)).toBe(0);
  });
});

describe("admin", () => {
  test("tells of a folder, while a server runs on it and after", async () => {
    const data = join(temporaryFolder(), "data");
    const { sotto } = await serve(data);
    const [, print = ""] = await sotto.waitFor(fingerprint);
    const status = async (): Promise<unknown> =>
      JSON.parse((await runHere(["admin", "status", "--json", "--data", data])).out);
    expect(await status()).toMatchObject({
      data,
      fingerprint: print,
      running: true,
      accounts: 0,
      entries: 0,
    });
    const busy = await runHere(["admin", "check", "--data", data]);
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining("[data_folder_locked]")]);
    await stop(sotto);
    expect(await status()).toMatchObject({ running: false });
    const text = await runHere(["admin", "status"], { SOTTO_DATA: data });
    expect(text.out).toContain("Server: stopped\n");
    const shown = await runHere(["admin", "fingerprint", "--data", data]);
    expect(shown.out).toBe(`${print}\n`);
    const invite = await runHere(["admin", "invite", "--data", data, "--origin", "https://chat.example.org"]);
    expect(invite.out).toBe(`sotto://chat.example.org/#${print}\n`);
    const whole = await runHere(["admin", "check", "--data", data]);
    expect([whole.code, whole.out]).toEqual([0, "The data folder is whole.\n"]);
    truncateSync(join(data, "sotto.db"), 5_000);
    const damaged = await runHere(["admin", "check", "--data", data]);
    expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining("[data_folder_damaged]")]);

    // All of that but the looking was noted; what failed was begun and not done.
    const { out } = await runHere(["admin", "audit", "--json", "--data", data]);
    const records = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ command, step }) => `${String(command)} ${String(step)}`)).toEqual([
      "check began",
      ...["fingerprint", "invite", "check"].flatMap((name) => [`${name} began`, `${name} done`]),
      "check began",
    ]);
    expect(records[3]).toMatchObject({
      user: userInfo().username,
      options: ["--data", "--origin"],
      pid: expect.any(Number),
    });
    const log = join(data, "admin.jsonl");
    expect((statSync(log).mode & 0o777).toString(8)).toBe("600");
    expect(readFileSync(log, "utf8")).toBe(out);
    expect(out).not.toContain("example.org");
    const table = await runHere(["admin", "audit", "--data", data]);
    expect(table.out).toMatch(/^\d{4}-\S+Z {2}\S+ +done {3}invite --data --origin$/m);

    // A log that cannot be written is said, and keeps nobody from the command.
    rmSync(log);
    mkdirSync(log);
    const unnoted = await runHere(["admin", "fingerprint", "--data", data]);
    expect([unnoted.code, unnoted.out]).toEqual([0, `${print}\n`]);
    expect(unnoted.err).toContain("could not be noted");
  });
});
