/**
 * Puts a server together: configuration, data folder, store, desks, HTTP. Whoever starts it gets its addresses and a way to
 * stop it; nothing here prints or exits.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createSecureContext } from "node:tls";
import { UsageError, formatFingerprint, formatInvite } from "@sotto/protocol";
import { Registry, collectDefaultMetrics } from "prom-client";
import { Challenger } from "./adapters/challenger.ts";
import { openDataFolder, type DataFolder } from "./adapters/data-folder.ts";
import { LocalBus } from "./adapters/local-bus.ts";
import { createLogger, type LogStream } from "./adapters/log.ts";
import { startMaintenance } from "./adapters/maintenance.ts";
import { nodeCrypto } from "./adapters/node-crypto.ts";
import { nodeClock, nodeScheduler } from "./adapters/node-scheduler.ts";
import { createSenders } from "./adapters/otp-senders.ts";
import { openSqliteStore } from "./adapters/sqlite/store.ts";
import { checkConfig, type ServerConfig, type ServerConfigInput } from "./config.ts";
import { Directory } from "./core/directory.ts";
import { AccountQuotas } from "./core/quota.ts";
import { RateLimiter } from "./core/rate-limit.ts";
import { Registration } from "./core/registration.ts";
import type { OtpSender } from "./core/otp-sender.ts";
import { Delivery } from "./core/session/delivery.ts";
import type { Store } from "./core/store.ts";
import { createEvents, type ServerEvents } from "./events.ts";
import { createApp } from "./http/app.ts";
import { clientAddress, type ClientAddress } from "./http/client-address.ts";
import { Readiness, addHealthRoutes } from "./http/health.ts";
import { listen, reachableOrigin } from "./http/listen.ts";
import { addMetricsRoute } from "./http/metrics.ts";
import { registrationRoutes } from "./http/registration-service.ts";
import { SessionSockets } from "./http/session-socket.ts";
import { VERSION } from "./version.ts";

/** A server that accepts connections. */
export interface RunningServer {
  /** Where it listens, as seen from this machine or network: `http://127.0.0.1:8787`. */
  readonly address: string;
  /** Where clients reach it: the configured origin, or `address`. */
  readonly origin: string;
  /** Of its key: 43 characters of base64url. */
  readonly fingerprint: string;
  /** `sotto://…#fingerprint`. */
  readonly invite: string;
  /** Absolute path. */
  readonly dataFolder: string;
  /** Whether this was its first start. */
  readonly isNew: boolean;
  /** Things to tell the operator. */
  readonly warnings: readonly string[];
  /** Drains: takes nothing new, finishes and stores what was taken, tells clients to come back, releases everything. */
  close(): Promise<void>;
}

/** What a program that runs a server may replace. */
export interface ServeOptions {
  /** Where to log; by default standard error. */
  readonly logTo?: LogStream;
  /** Writes one line to standard output: one-time passwords of `otp: console`. */
  readonly print?: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
  /** Adds figures of the process (memory, event loop) to /metrics. For one server a process. */
  readonly processMetrics?: boolean;
}

/** How long deliveries under way may hold up the end. */
const drainDeliveriesMs = 5_000;
/** What clients are told when the server stops: most restarts are over by then. */
const reconnectAfterMs = 2_000;

/**
 * Starts a server.
 * @throws SottoError `config_invalid`, `data_folder_damaged`, `data_folder_foreign`, `data_folder_locked`, `address_in_use`.
 */
export async function startServer(
  input: ServerConfigInput | ServerConfig,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const config = checkConfig(input);
  const tls = readTls(config);
  const addressOf = clientAddress(config.trustedProxies);
  const senders = createConfiguredSenders(config, options);
  const folder = await openDataFolder(config.data);
  const undo: (() => unknown)[] = [() => folder.release()];
  try {
    return await start({ config, options, folder, tls, addressOf, senders, undo });
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** What has been checked before anything starts. */
interface Parts {
  readonly config: ServerConfig;
  readonly options: ServeOptions;
  readonly folder: DataFolder;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly addressOf: ClientAddress;
  readonly senders: readonly OtpSender[];
  /** What to undo when the start fails, the last first. */
  readonly undo: (() => unknown)[];
}

async function start(parts: Parts): Promise<RunningServer> {
  const { config, options, folder, tls, addressOf, undo } = parts;
  const { nowMs = Date.now, logTo = process.stderr } = options;
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const events = createEvents(createLogger(config.logLevel, logTo), registry);
  const store = openSqliteStore({ path: folder.databasePath, nowSec: Math.floor(nowMs() / 1000) });
  undo.push(() => store.close());
  folder.markReady();
  const readiness = new Readiness(store, nowMs);

  const desks = createDesks(parts, store, events, nowMs);
  undo.push(() => desks.close());
  const app = await createApp({
    tls,
    addressOf,
    failed: events.requestFailed,
    routes: registrationRoutes({
      key: folder.key,
      registration: desks.registration,
      requestsPerAddress: new RateLimiter(config.limits.requestsPerAddress),
      nowMs,
      version: VERSION,
      classicAllowed: config.classic,
      isDraining: () => readiness.draining,
      failed: events.requestFailed,
    }),
  });
  undo.push(() => app.close());
  addHealthRoutes(app, readiness);
  addMetricsRoute(app, registry, store, config.metricsToken);
  const sockets = new SessionSockets({
    delivery: createDelivery(config, folder, store, desks.directory, events, nowMs),
    events,
    addressOf,
  });
  sockets.attachTo(app.server);
  undo.push(() => sockets.drain(0));
  const scheme = tls === undefined ? "http" : "https";
  const port = await listen(app, config.host, config.port);
  const address = reachableOrigin(scheme, config.host, port);
  const origin = config.origin ?? address;
  const stopMaintenance = startMaintenance({
    store,
    retentionSec: config.retentionDays * 86_400,
    nowMs,
    expired: events.expired,
    failed: events.maintenanceFailed,
  });
  for (const warning of folder.warnings) events.warning(warning);
  events.listening(scheme);

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    readiness.startDraining();
    events.draining();
    stopMaintenance();
    await sockets.drain(reconnectAfterMs);
    await app.close();
    await desks.drain();
    desks.close();
    await store.close();
    folder.release();
    events.stopped();
  };
  return {
    address,
    origin,
    fingerprint: formatFingerprint(folder.key.fingerprint),
    invite: formatInvite(origin, folder.key.fingerprint),
    dataFolder: folder.path,
    isNew: folder.isNew,
    warnings: folder.warnings,
    close: () => (closing ??= close()),
  };
}

/** The delivery service on the store, for one process. */
function createDelivery(
  { limits }: ServerConfig,
  folder: DataFolder,
  store: Store,
  directory: Directory,
  events: ServerEvents,
  nowMs: () => number,
): Delivery {
  const quotas = {
    appends: limits.appendsPerAccount,
    appendedBytes: limits.appendedBytesPerAccount,
    logs: limits.logsPerAccount,
    slots: limits.slotsPerAccount,
  };
  return new Delivery({
    store,
    bus: new LocalBus(),
    crypto: nodeCrypto,
    directory,
    challenger: new Challenger(folder.key, nowMs),
    quota: new AccountQuotas(quotas, nowMs),
    scheduler: nodeScheduler,
    clock: nodeClock(nowMs),
    events,
  });
}

/** Registration and directory, with the ways in which codes are delivered. */
function createDesks(
  { config, folder, senders }: Parts,
  store: Store,
  events: ServerEvents,
  nowMs: () => number,
) {
  const { limits } = config;
  const directory = new Directory({
    store,
    crypto: nodeCrypto,
    events,
    nowMs,
    identifierKey: folder.directoryKey,
    limits: {
      identifiersPerAccount: limits.lookupsPerAccount,
      identifiersPerAddress: limits.lookupsPerAddress,
      accountsPerAccount: limits.accountLookupsPerAccount,
      accountsPerAddress: limits.accountLookupsPerAddress,
      listsPerAccount: limits.deviceListsPerAccount,
    },
  });
  const registration = new Registration({
    store,
    crypto: nodeCrypto,
    senders,
    events,
    hashIdentifier: (identifier) => directory.hashIdentifier(identifier),
    nowMs,
    limits: { ...limits, resendAfterSec: config.resendAfterSec },
    maxAccounts: config.maxUsers,
  });
  return {
    directory,
    registration,
    drain: () =>
      Promise.race([registration.idle(), new Promise((done) => setTimeout(done, drainDeliveriesMs).unref())]),
    close: () => {
      for (const sender of senders) sender.close();
    },
  };
}

function createConfiguredSenders(config: ServerConfig, options: ServeOptions): OtpSender[] {
  const serverName = config.origin === undefined ? hostname() : new URL(config.origin).hostname;
  return createSenders(config.otp, {
    serverName,
    from: config.otpFrom ?? `sotto@${serverName}`,
    webhookToken: config.otpWebhookToken,
    print: options.print ?? ((line) => void process.stdout.write(`${line}\n`)),
  });
}

function readTls({ tlsCert, tlsKey }: ServerConfig): { cert: string; key: string } | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const tls = { cert: readPem("tlsCert", tlsCert), key: readPem("tlsKey", tlsKey) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new UsageError("config_invalid", "tlsKey: certificate and key are not PEM, or no pair", { cause });
  }
  return tls;
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError("config_invalid", `${key}: ${path} cannot be read`, { cause });
  }
}
