/**
 * What the operator sees: one function per thing that happens, each a line in the log, a metric, or both. Nothing here
 * holds user data or secrets: no identifier, code, token, id or address, and of foreign errors only their kind.
 */
import { SottoError } from "@sotto/protocol";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { NatsEvents } from "./adapters/nats/transport.ts";
import type { BlobEvents, FrontEvents } from "./core/events.ts";
import type { PushEvents } from "./core/push/desk.ts";
import { createMetrics, type FailingPart } from "./metrics.ts";
import type { CommittedBatch, ConnectionEnd, DeliveryEvents } from "./core/session/ports.ts";

/** Everything that can happen. */
export interface ServerEvents extends FrontEvents, BlobEvents, PushEvents, DeliveryEvents, NatsEvents {
  listening(scheme: string): void;
  warning(message: string): void;
  draining(): void;
  stopped(): void;
  /** A request over HTTP failed for a reason of ours. */
  requestFailed(error: unknown): void;
  expired(rows: number): void;
  blobsExpired(blobs: number): void;
  maintenanceFailed(error: unknown): void;
  logLevelChanged(level: string): void;
  /** Traces cannot be delivered. */
  tracingFailed(error: unknown): void;
  /** A new certificate is in use. */
  certificateLoaded(): void;
  /** The files of the certificate changed and hold none: the old one goes on. */
  certificateRefused(error: unknown): void;
  /** A limit of the configuration refused somebody. @param limit its name, `appendsPerAccount`. */
  limitHit(limit: string): void;
}

/** Makes the events of one server. @param registry where its metrics are kept. @param channels by which it sends one-time passwords. */
export function createEvents(logger: Logger, registry: Registry, channels: readonly string[]): ServerEvents {
  const metrics = createMetrics(registry, channels);
  // These happen for every message, or in storms: their labels are looked up once.
  const deliveredLive = metrics.delivered.labels("true");
  const deliveredStored = metrics.delivered.labels("false");
  const signedIn = metrics.signIns.labels("ok");
  const failure = (part: FailingPart, message: string, error: unknown, more: object = {}): void => {
    metrics.failures.inc({ part });
    logger.error({ ...more, error: describeError(error) }, message);
  };
  return {
    listening: (scheme) => logger.info({ scheme }, "listening"),
    warning: (message) => logger.warn(message),
    draining: () => logger.info("draining"),
    stopped: () => logger.info("stopped"),
    requestFailed: (error) => failure("http", "request failed", error),
    maintenanceFailed: (error) => failure("maintenance", "maintenance failed", error),
    tracingFailed: (error) => logger.warn({ error: describeError(error) }, "traces cannot be delivered"),
    logLevelChanged: (level) => logger.warn({ now: level }, "log level changed"),
    certificateLoaded() {
      metrics.certificateReloads.inc({ outcome: "ok" });
      logger.info("certificate loaded");
    },
    certificateRefused(error) {
      metrics.certificateReloads.inc({ outcome: "refused" });
      logger.error({ error: describeError(error) }, "certificate refused, the old one goes on");
    },
    limitHit: (limit) => metrics.limitsHit.inc({ limit }),
    expired(rows) {
      metrics.expired.inc(rows);
      if (rows > 0) logger.info({ rows }, "expired");
    },

    blobsExpired(blobs) {
      metrics.blobsExpired.inc(blobs);
      if (blobs > 0) logger.info({ blobs }, "blobs expired");
    },
    blobReceived(bytes, whole) {
      metrics.blobBytesReceived.inc(bytes);
      if (whole) metrics.blobsStored.inc();
    },
    blobSent: (bytes) => metrics.blobBytesSent.inc(bytes),
    blobRefused: (code) => metrics.blobRefusals.inc({ code }),

    codeRequested(outcome) {
      metrics.codes.inc({ outcome });
      logger.debug({ outcome }, "code requested");
    },
    codeDelivered(channel, tookMs) {
      metrics.deliveries.inc({ channel, outcome: "ok" });
      metrics.deliverySeconds.observe({ channel }, tookMs / 1000);
    },
    codeDeliveryFailed(channel, error) {
      metrics.deliveries.inc({ channel, outcome: "failed" });
      failure("code_delivery", "code delivery failed", error, { channel });
    },
    registered(outcome) {
      metrics.registrations.inc({ outcome });
      if (outcome === "ok") logger.info("account created");
      else logger.debug({ outcome }, "registration refused");
    },
    lookupAnswered(subject, outcome) {
      metrics.lookups.inc({ subject, outcome });
    },
    listPublished(outcome) {
      metrics.deviceLists.inc({ outcome });
      logger.debug({ outcome }, "device list published");
    },
    keyPackagesClaimed(oneTime, lastResorts) {
      metrics.keyPackages.inc({ last_resort: "false" }, oneTime);
      metrics.keyPackages.inc({ last_resort: "true" }, lastResorts);
    },
    linkUsed(step, outcome) {
      metrics.links.inc({ step, outcome });
      logger.debug({ step, outcome }, "link");
    },
    recoveryUsed(step, outcome) {
      metrics.recoveries.inc({ step, outcome });
      logger.debug({ step, outcome }, "recovery");
    },

    pushSubscribed(outcome) {
      metrics.pushPuts.inc({ outcome });
      logger.debug({ outcome }, "push subscription");
    },
    woken(outcome) {
      metrics.wakes.inc({ outcome });
      logger.debug({ outcome }, "device woken");
    },
    pushFailed: (error) => failure("push", "push failed", error),
    accountDeleted(outcome) {
      metrics.accountsDeleted.inc({ outcome });
      if (outcome === "ok") logger.info("account deleted");
      else logger.debug({ outcome }, "deletion refused");
    },

    connectionOpened: () => metrics.connections.inc(),
    connectionClosed(end: ConnectionEnd, wasSignedIn: boolean) {
      metrics.connections.dec();
      metrics.connectionEnds.inc({ end, signed_in: String(wasSignedIn) });
    },
    connectionRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
    signedIn: () => signedIn.inc(),
    signInRefused: () => metrics.signIns.inc({ outcome: "refused" }),
    requestRefused: (code) => metrics.refusals.inc({ code }),
    committed(batch: CommittedBatch) {
      metrics.appends.inc(batch.appendMs.length);
      for (const tookMs of batch.appendMs) metrics.appendSeconds.observe(tookMs / 1000);
      metrics.appendedBytes.inc(batch.appendedBytes);
      metrics.acks.inc(batch.acks);
      metrics.commitSeconds.observe(batch.durationMs / 1000);
      metrics.commitOperations.observe(batch.operations);
    },
    commitFailed: (error) => failure("commit", "commit failed", error),
    delivered: (entries, live) => (live ? deliveredLive : deliveredStored).inc(entries),
    ephemeral: (readers) => metrics.ephemeral.inc(readers),
    // The directory tells of these with their outcomes: lookupAnswered, listPublished.
    lookedUp: () => undefined,
    deviceListPut: () => undefined,
    sessionFailed: (error) => failure("session", "session failed", error),

    busConnected() {
      metrics.busConnected.set(1);
      logger.info("nats reached");
    },
    busDisconnected() {
      metrics.busConnected.set(0);
      logger.warn("nats lost: other nodes are woken by looking at the database");
    },
    busFailed: (error) => failure("bus", "bus failed", error),
  };
}

/** What may be logged of an error: its kind and where it arose. Messages of libraries may quote user data. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, errcode, responseCode } = error as {
    code?: unknown;
    errcode?: unknown;
    responseCode?: unknown;
  };
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return {
    name: error.name,
    ...(error instanceof SottoError && { message: error.message }),
    ...(code !== undefined && { code }),
    ...(errcode !== undefined && { errcode }),
    ...(responseCode !== undefined && { responseCode }),
    at: frames.slice(0, 4).map((line) => line.trim()),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
