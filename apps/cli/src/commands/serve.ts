/** `sotto serve`: runs a server until it is told to stop, and tells the operator how people reach it. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { loadConfig, startServer, type RunningServer } from "@sotto/server";
import { configSources } from "../config-sources.ts";
import { contextOf } from "../context.ts";
import { examples } from "../options.ts";
import { printLine, remark } from "../io/output.ts";
import { renderQr } from "../io/qr.ts";
import type { Io } from "../io/io.ts";

/** The command. */
export function serveCommand(): Command {
  return new Command("serve")
    .description(
      "Runs a Sotto server. The first start makes the data folder with the server's keys; later starts reuse it.",
    )
    .option("--data <dir>", "data folder (default ./sotto-data)")
    .option("--database <url>", "postgres://… in the place of the database in the data folder")
    .option("--port <number>", "port to listen on, 0 for any (default 8787)")
    .option("--host <address>", "address to listen on (default 127.0.0.1; 0.0.0.0 for all networks)")
    .option("--origin <url>", "how clients reach the server, such as https://chat.example.org")
    .option("--otp <way...>", "how codes are sent: console, file:PATH, smtp://…, https://… (default console)")
    .option("--otp-from <address>", "sender of e-mails")
    .option("--nats <url...>", "NATS by which nodes of one database wake each other: nats://… of each member")
    .option("--nats-prefix <name>", "begins every subject there (default sotto)")
    .option("--max-users <number>", "refuse more accounts than this")
    .option("--max-connections <number>", "most connections at a time (default 50000)")
    .option("--tls-cert <file>", "certificate chain in PEM; serves https with --tls-key")
    .option("--tls-key <file>", "private key of the certificate in PEM")
    .option("--trusted-proxies <address...>", "reverse proxies to believe: addresses, networks, or loopback")
    .option("--retention-days <number>", "how long entries that nobody fetches are kept (default 90)")
    .option("--max-blob-mib <number>", "largest attachment in MiB, encrypted; 0 takes none (default 100)")
    .option("--blob-quota-mib <number>", "most MiB of all attachments together (default 10240, 10 GiB)")
    .option("--blob-retention-days <number>", "how long attachments are kept (default 90)")
    .option("--web <dir>", "folder of the web app's files (default: as this program's own build makes them)")
    .option("--no-web", "serve no web app")
    .option("--no-push", "wake no devices by the push services of their browsers")
    .option(
      "--push-contact <url>",
      "whom push services may write to: mailto:… or https://… (default --origin)",
    )
    .option("--push-anywhere", "for tests: push services inside of this network, and by plain HTTP")
    .option("--no-classic", "switch the classic suite off")
    .option("--resend-after-sec <seconds>", "least time between two codes for one person (default 30)")
    .option(
      "--reset-delay-sec <seconds>",
      "how long an account's devices can object to its reset (default 259200, 72 hours)",
    )
    .option("--limits <json>", "limits on accounts, identifiers and addresses; see docs/operate.md")
    .option("--otel <url>", "OpenTelemetry collector that takes traces, such as http://127.0.0.1:4318")
    .option("--log-level <level>", "silent, error, warn, info or debug (default info; warn on a terminal)")
    .option("--config <file>", "JSON file with any of these keys, and limits")
    .addHelpText(
      "after",
      `${examples(
        "sotto serve",
        "sotto serve --host 0.0.0.0 --max-users 10",
        "sotto serve --data /var/lib/sotto --origin https://chat.example.org --otp smtps://user@mail.example.org",
      )}

Every option can be given in the environment (SOTTO_MAX_USERS) or in the file ("maxUsers"); secrets belong there.
Stop with Ctrl+C: the server drains first. A second Ctrl+C ends it at once.`,
    )
    .action(async (_options: unknown, command: Command) => {
      await serve(contextOf(command).io, command);
    });
}

async function serve(io: Io, command: Command): Promise<void> {
  // From here on nobody else may read what this process writes.
  process.umask(0o077);
  const config = loadConfig({
    flags: flagsOf(command),
    ...configSources(command),
    // A person reads what is printed; a machine keeps what is logged.
    defaults: { logLevel: io.stderr.isTTY === true ? "warn" : "info", ...ownWebApp(command) },
  });
  const stopped = stopSignal(io);
  keepShortLivedYoung();
  const server = await startServer(config, {
    logTo: io.stderr,
    processMetrics: true,
    print: (line) => void io.stdout.write(`${line}\n`),
  });
  // Without a terminal SIGHUP is a service manager's "reload"; with one it says that the terminal is gone.
  if (!atTerminal(io)) process.on("SIGHUP", () => server.reload());
  process.on("SIGUSR2", () => server.toggleDebugLog());
  await welcome(io, server);
  await stopped;
  if (io.stdout.isTTY === true)
    await remark(io, "Stopping: telling clients to come back. Ctrl+C again ends at once.");
  await server.close();
}

/** Only what stands on the command line: an option's absence must not hide the environment or the file. */
function flagsOf(command: Command): Record<string, unknown> {
  const { config: _config, ...flags } = command.opts<Record<string, unknown>>();
  // commander gives an option with "no-" a default.
  for (const name of ["classic", "push"])
    if (command.getOptionValueSource(name) !== "cli") delete flags[name];
  if (typeof flags["web"] !== "string") delete flags["web"];
  return flags;
}

/** The web app that was built beside this program, if it was, unless --no-web says no. */
function ownWebApp(command: Command): { web?: string } {
  const folder = resolve(import.meta.dirname, "../../../web/dist");
  const wanted = command.getOptionValue("web") !== false;
  return wanted && existsSync(join(folder, "index.html")) ? { web: folder } : {};
}

/**
 * Turns off V8's pretenuring. In the rush of a start many objects outlive a collection or two; V8 may then make those of a message in the old
 * generation from the start, where only a full collection, of 10 ms and more, takes them away: several a second, until the server stops.
 * Node warns of flags that change while it runs; this one is measured to take effect here (docs/performance.md, "At a pace").
 */
function keepShortLivedYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}

const atTerminal = (io: Io): boolean => io.stdout.isTTY === true || io.stderr.isTTY === true;

/** Resolves with the first SIGINT or SIGTERM, or SIGHUP at a terminal; the second ends the process. */
function stopSignal(io: Io): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    if (atTerminal(io)) process.on("SIGHUP", stop);
  });
}

async function welcome(io: Io, server: RunningServer): Promise<void> {
  const lines = [
    `Sotto is listening on ${server.address}`,
    `Data folder: ${server.dataFolder}${server.isNew ? " (new)" : ""}`,
    `Key fingerprint: ${server.fingerprint}`,
    `Invite link: ${server.invite}`,
    ...(server.webApp === undefined ? [] : [`In a browser: ${server.webApp}`]),
  ];
  await printLine(io, lines.join("\n"));
  if (io.stdout.isTTY === true || server.isNew) await printLine(io, renderQr(server.invite));
  if (io.stdout.isTTY === true) {
    await printLine(io, `To register: sotto register --server '${server.invite}' --phone +15551230001`);
  }
}
