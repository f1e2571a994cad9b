/**
 * What the operator sees: one function per thing that happens, each a line in the log, a metric, or both. Nothing here
 * holds user data or secrets: no identifier, code, token, id or address, and of foreign errors only their kind.
 */
import { SottoError } from "@sotto/protocol";
import type { Logger } from "pino";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { NatsEvents } from "./adapters/nats/transport.ts";
import type { BlobEvents, FrontEvents } from "./core/events.ts";
import type { PushEvents } from "./core/push/desk.ts";
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
}

/** Makes the events of one server. @param registry where its metrics are kept. */
export function createEvents(logger: Logger, registry: Registry): ServerEvents {
  const metrics = createMetrics(registry);
  // These happen for every message: their labels are looked up once.
  const deliveredLive = metrics.delivered.labels("true");
  const deliveredStored = metrics.delivered.labels("false");
  const failure = (message: string, error: unknown, more: object = {}): void => {
    metrics.failures.inc();
    logger.error({ ...more, error: describeError(error) }, message);
  };
  return {
    listening: (scheme) => logger.info({ scheme }, "listening"),
    warning: (message) => logger.warn(message),
    draining: () => logger.info("draining"),
    stopped: () => logger.info("stopped"),
    requestFailed: (error) => failure("request failed", error),
    maintenanceFailed: (error) => failure("maintenance failed", error),
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
      failure("code delivery failed", error, { channel });
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
    pushFailed: (error) => failure("push failed", error),
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
    signedIn: () => metrics.signIns.inc({ outcome: "ok" }),
    signInRefused: () => metrics.signIns.inc({ outcome: "refused" }),
    requestRefused: (code) => metrics.refusals.inc({ code }),
    committed(batch: CommittedBatch) {
      metrics.appends.inc(batch.appends);
      metrics.appendedBytes.inc(batch.appendedBytes);
      metrics.acks.inc(batch.acks);
      metrics.commitSeconds.observe(batch.durationMs / 1000);
      metrics.commitOperations.observe(batch.operations);
    },
    commitFailed: (error) => failure("commit failed", error),
    delivered: (entries, live) => (live ? deliveredLive : deliveredStored).inc(entries),
    ephemeral: (readers) => metrics.ephemeral.inc(readers),
    // The directory tells of these with their outcomes: lookupAnswered, listPublished.
    lookedUp: () => undefined,
    deviceListPut: () => undefined,
    sessionFailed: (error) => failure("session failed", error),

    busConnected() {
      metrics.busConnected.set(1);
      logger.info("nats reached");
    },
    busDisconnected() {
      metrics.busConnected.set(0);
      logger.warn("nats lost: other nodes are woken by looking at the database");
    },
    busFailed: (error) => failure("bus failed", error),
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

function createMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `sotto_${name}`, help, labelNames, registers });
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name: `sotto_${name}`, help, buckets, labelNames, registers });
  return {
    failures: counter("failures_total", "Failures of the server itself; the log says more"),
    codes: counter("codes_requested_total", "Requests for one-time passwords", "outcome"),
    deliveries: counter("code_deliveries_total", "Deliveries of one-time passwords", "channel", "outcome"),
    deliverySeconds: histogram(
      "code_delivery_seconds",
      "How long the next station took to take a one-time password",
      [0.01, 0.1, 0.5, 1, 5, 30],
      "channel",
    ),
    registrations: counter("registrations_total", "Attempts to create an account", "outcome"),
    lookups: counter("lookups_total", "Lookups in the directory", "subject", "outcome"),
    deviceLists: counter("device_lists_published_total", "Device lists published", "outcome"),
    keyPackages: counter("key_packages_claimed_total", "KeyPackages handed out", "last_resort"),
    links: counter("links_total", "Steps of linking devices", "step", "outcome"),
    recoveries: counter("recoveries_total", "Steps of recovery and reset", "step", "outcome"),
    pushPuts: counter("push_subscriptions_total", "Ways to wake devices, put and ended", "outcome"),
    wakes: counter("push_wakes_total", "Devices woken by push services", "outcome"),
    accountsDeleted: counter("account_deletions_total", "Attempts to delete an account", "outcome"),
    connections: new Gauge({ name: "sotto_connections", help: "Connections now", registers }),
    connectionEnds: counter("connections_closed_total", "Connections that ended", "end", "signed_in"),
    connectionsRefused: counter("connections_refused_total", "Connections refused at once", "reason"),
    signIns: counter("sign_ins_total", "Sign-ins", "outcome"),
    refusals: counter("requests_refused_total", "Requests in sessions that were refused", "code"),
    appends: counter("entries_appended_total", "Entries stored durably"),
    appendedBytes: counter("appended_bytes_total", "Bytes of the entries stored durably"),
    acks: counter("acks_total", "Acks stored durably"),
    commitSeconds: histogram(
      "commit_seconds",
      "Duration of group commits, fsync included",
      [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1],
    ),
    commitOperations: histogram(
      "commit_operations",
      "Operations in a group commit",
      [1, 4, 16, 64, 256, 1_024],
    ),
    delivered: counter("entries_delivered_total", "Entries handed to readers", "live"),
    ephemeral: counter("ephemeral_delivered_total", "Ephemeral entries handed to readers"),
    busConnected: new Gauge({
      name: "sotto_bus_connected",
      help: "1 while NATS is reached; 0 also where none is used",
      registers,
    }),
    expired: counter("entries_expired_total", "Entries and slots deleted by retention"),
    blobsStored: counter("blobs_stored_total", "Blobs that were uploaded to their end"),
    blobBytesReceived: counter("blob_bytes_received_total", "Bytes of blobs stored durably"),
    blobBytesSent: counter("blob_bytes_sent_total", "Bytes of blobs handed out"),
    blobRefusals: counter("blob_requests_refused_total", "Requests about blobs that were refused", "code"),
    blobsExpired: counter("blobs_expired_total", "Blobs deleted by retention"),
  };
}
