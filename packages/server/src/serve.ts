/**
 * Puts a server together: configuration, data folder, store, desks, sessions, HTTP. Whoever starts it gets its addresses
 * and a way to stop it; nothing here exits the process.
 */
import { resolve } from "node:path";
import { Server as TlsServer } from "node:tls";
import { formatFingerprint, formatInvite } from "@sotto/protocol";
import { Registry, collectDefaultMetrics } from "prom-client";
import { Challenger } from "./adapters/challenger.ts";
import { openDataFolder, type DataFolder } from "./adapters/data-folder.ts";
import { LocalBus } from "./adapters/local-bus.ts";
import { createLogger, type LogStream } from "./adapters/log.ts";
import { startMaintenance } from "./adapters/maintenance.ts";
import { NatsTransport } from "./adapters/nats/transport.ts";
import { nodeCrypto, verifyEd25519InPool } from "./adapters/node-crypto.ts";
import { nodeClock, nodeScheduler } from "./adapters/node-scheduler.ts";
import { openStore, type OpenedStore } from "./adapters/open-store.ts";
import { webPushSender } from "./adapters/push/web-push.ts";
import { SharedBus } from "./adapters/shared-bus.ts";
import type { Tracing } from "./adapters/tracing.ts";
import { checkConfig, type ServerConfig, type ServerConfigInput } from "./config.ts";
import type { Bus } from "./core/bus.ts";
import type { OtpSender } from "./core/otp-sender.ts";
import { RateLimiter } from "./core/rate-limit.ts";
import { watchedLimits } from "./core/watched-limits.ts";
import { Delivery } from "./core/session/delivery.ts";
import { createConfiguredSenders, createDesks } from "./desks.ts";
import { createEvents, type ServerEvents } from "./events.ts";
import { createApp } from "./http/app.ts";
import { addBlobRoutes } from "./http/blob-routes.ts";
import { clientAddress, type ClientAddress } from "./http/client-address.ts";
import { Readiness, addHealthRoutes } from "./http/health.ts";
import { listen, reachableOrigin } from "./http/listen.ts";
import { addMetricsRoute } from "./http/metrics.ts";
import { OpenRequests } from "./http/open-requests.ts";
import { registrationRoutes } from "./http/registration-service.ts";
import { SessionSockets } from "./http/session-socket.ts";
import { LiveTls, readTls, type TlsPair } from "./http/tls.ts";
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
  /** Where the web app is, with the key's fingerprint for the first visit; undefined when none is served. */
  readonly webApp: string | undefined;
  /** Absolute path. */
  readonly dataFolder: string;
  /** Whether this was its first start. */
  readonly isNew: boolean;
  /** Reads the certificate's files now, not only when they are seen to have changed. */
  reload(): void;
  /** Logs at level `debug` from now on, or as configured again. */
  toggleDebugLog(): void;
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

/** How long deliveries of codes under way may hold up the end: codes are void after a restart anyway. */
const drainDeliveriesMs = 1_000;
/** How long HTTP requests under way may. */
const drainRequestsMs = 5_000;
const daySec = 86_400;
/** When clients shall come back after a stop: a restart takes about as long. */
const reconnectAfterMs = 2_000;

/** What has been checked before anything starts. */
interface Parts {
  readonly config: ServerConfig;
  readonly options: ServeOptions;
  readonly folder: DataFolder;
  readonly tls: TlsPair | undefined;
  readonly addressOf: ClientAddress;
  readonly senders: readonly OtpSender[];
}

/** A server of its own wakes readers at once; one of several over a database wakes those of the others as well. */
function createBus(
  { nats, natsPrefix }: ServerConfig,
  { store, shared }: OpenedStore,
  events: ServerEvents,
): Bus {
  if (!shared) return new LocalBus();
  const transport =
    nats.length === 0 ? undefined : new NatsTransport({ servers: nats, prefix: natsPrefix, events });
  return new SharedBus({ store, scheduler: nodeScheduler, transport, failed: events.busFailed });
}

/** Steps that take back what was done, the last first. */
type Undo = (() => unknown)[];

/**
 * Starts a server.
 * @throws SottoError `config_invalid`, `data_folder_damaged`, `data_folder_foreign`, `data_folder_locked`, `address_in_use`, `unavailable`.
 */
export async function startServer(
  input: ServerConfigInput | ServerConfig,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const config = checkConfig(input);
  const tls = readTls(config);
  const addressOf = clientAddress(config.trustedProxies);
  const print = options.print ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const senders = createConfiguredSenders(config, print);
  const folder = await openDataFolder(config.data, config.database === undefined);
  const undo: Undo = [() => folder.release()];
  try {
    return await start({ config, options, folder, tls, addressOf, senders }, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function start(parts: Parts, undo: Undo): Promise<RunningServer> {
  const { config, options, folder, tls, addressOf, senders } = parts;
  const { nowMs = Date.now, logTo = process.stderr } = options;
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const opened = await openStore(config, folder, nowMs);
  const { store, transient, blobFiles } = opened;
  undo.push(() => store.close());
  folder.markReady();

  const readiness = new Readiness(store, nowMs);
  const logger = createLogger(config.logLevel, logTo);
  const untraced = createEvents(
    logger,
    registry,
    senders.map(({ channel }) => channel),
  );
  const tracing = await tracingOf(config, untraced);
  undo.push(() => tracing?.close());
  tracing?.watchReads(store);
  const told = tracing?.watchEvents(untraced) ?? untraced;
  const events: typeof told = {
    ...told,
    commitFailed(error) {
      readiness.writeFailed();
      told.commitFailed(error);
    },
  };
  const limits = watchedLimits(config.limits, events.limitHit);
  const identifierKey = folder.directoryKey;
  const pushSender = config.push
    ? webPushSender({
        key: folder.vapidKey,
        // Apple's service takes none but these two kinds.
        subject:
          config.pushContact ??
          (config.origin?.startsWith("https:") === true ? config.origin : "mailto:operator@localhost"),
        nowMs,
        anywhere: config.pushAnywhere,
      })
    : undefined;
  const desks = createDesks({
    config: { ...config, limits },
    senders,
    store,
    transient,
    blobFiles,
    events,
    identifierKey,
    nowMs,
    pushSender,
    scheduler: nodeScheduler,
    // The desks come before the sessions that they tell.
    watch: {
      listChanged: (account, list) => delivery.listChanged(account, list),
      replaced: (account) => delivery.replaced(account),
      resetChanged: (account, resetAtSec) => delivery.resetChanged(account, resetAtSec),
    },
  });
  const bus = createBus(config, opened, events);
  const delivery = new Delivery({
    store,
    bus,
    crypto: nodeCrypto,
    verifyElsewhere: verifyEd25519InPool,
    directory: desks.directory,
    keyPackages: desks.keyPackages,
    links: desks.links,
    recovery: desks.recovery,
    accountEnds: desks.accountEnds,
    blobs: desks.blobs,
    push: desks.push,
    challenger: new Challenger(folder.key, nowMs),
    quota: desks.quota,
    scheduler: nodeScheduler,
    clock: nodeClock(nowMs),
    events,
    classicAllowed: config.classic,
  });
  await desks.push.start();
  const sockets = new SessionSockets({
    delivery,
    events,
    addressOf,
    maxConnections: config.maxConnections,
  });
  undo.push(() => sockets.drain(reconnectAfterMs));

  const routes = registrationRoutes({
    key: folder.key,
    desks,
    requestsPerAddress: new RateLimiter(limits.requestsPerAddress),
    nowMs,
    version: VERSION,
    classicAllowed: config.classic,
    isDraining: () => readiness.draining,
    failed: events.requestFailed,
  });
  const app = await createApp({
    tls,
    addressOf,
    routes,
    failed: events.requestFailed,
    web: config.web === undefined ? undefined : resolve(config.web),
    watch: tracing?.watchRequests,
  });
  const requests = new OpenRequests(app);
  undo.push(() => app.close());
  await addBlobRoutes(app, {
    blobs: desks.blobs,
    requestsPerAddress: new RateLimiter(limits.blobRequestsPerAddress),
    addressOf,
    nowMs,
    events,
    failed: events.requestFailed,
  });
  addHealthRoutes(app, readiness);
  sockets.attachTo(app.server);
  const liveTls =
    tls &&
    new LiveTls({
      files: config,
      pair: tls,
      use: (pair) => {
        if (app.server instanceof TlsServer) app.server.setSecureContext(pair);
      },
      events,
    });
  undo.push(() => liveTls?.stop());
  const maintenance = startMaintenance({
    store,
    blobs: desks.blobs,
    retentionSec: config.retentionDays * daySec,
    blobRetentionSec: config.blobRetentionDays * daySec,
    nowMs,
    expired: events.expired,
    blobsExpired: events.blobsExpired,
    failed: events.maintenanceFailed,
  });
  undo.push(() => maintenance.stop());
  const state = {
    store,
    dataFolder: folder.path,
    version: VERSION,
    isReady: async () => (await readiness.state()) === "ready",
    queuedBytes: () => delivery.queuedBytes,
    outgoingBytes: () => sockets.waitingBytes,
    expiryLagSec: () => maintenance.lagSec(),
    certificateLeftSec: () => liveTls && (liveTls.endsAtMs - nowMs()) / 1000,
  };
  addMetricsRoute(app, registry, state, config.metricsToken);
  const scheme = tls === undefined ? "http" : "https";
  const port = await listen(app, config.host, config.port);

  for (const warning of folder.warnings) events.warning(warning);
  events.listening(scheme);

  const close = async (): Promise<void> => {
    readiness.startDraining();
    events.draining();
    maintenance.stop();
    liveTls?.stop();
    desks.links.close();
    // No new connections from here on; it is closed when the last one ends.
    const closed = app.close();
    await sockets.drain(reconnectAfterMs);
    await requests.finish(drainRequestsMs);
    await closed;
    for (const sender of senders) sender.close();
    await Promise.race([desks.registration.idle(), timeout(drainDeliveriesMs)]);
    pushSender?.close();
    await bus.close();
    await store.close();
    await tracing?.close();
    folder.release();
    events.stopped();
  };
  let closing: Promise<void> | undefined;
  const address = reachableOrigin(scheme, config.host, port);
  const origin = config.origin ?? address;
  return {
    address,
    origin,
    fingerprint: formatFingerprint(folder.key.fingerprint),
    invite: formatInvite(origin, folder.key.fingerprint),
    webApp: config.web === undefined ? undefined : `${origin}/#${formatFingerprint(folder.key.fingerprint)}`,
    dataFolder: folder.path,
    isNew: folder.isNew,
    reload: () => liveTls?.reload(),
    toggleDebugLog() {
      logger.level = logger.level === config.logLevel ? "debug" : config.logLevel;
      events.logLevelChanged(logger.level);
    },
    close: () => (closing ??= close()),
  };
}

/** Loaded only when it is asked for: it takes 5 MB and a tenth of a second. */
async function tracingOf(config: ServerConfig, events: ServerEvents): Promise<Tracing | undefined> {
  if (config.otel === undefined) return undefined;
  const { startTracing } = await import("./adapters/tracing.ts");
  return startTracing({ url: config.otel, version: VERSION, failed: events.tracingFailed });
}

function timeout(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs).unref());
}
