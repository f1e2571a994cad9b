/**
 * The counters and histograms of /metrics; events.ts moves them. Their labels are closed sets (outcomes, error codes, names of limits), so
 * that the series stay few, and nothing names anybody. docs/operations.md lists them all; a test compares.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const failingParts = ["http", "maintenance", "code_delivery", "push", "commit", "session", "bus"] as const;
/** Where a failure of the server itself happened. */
export type FailingPart = (typeof failingParts)[number];

/** Makes them. @param registry where they are kept. @param channels by which one-time passwords are sent. */
export function createMetrics(registry: Registry, channels: readonly string[] = []) {
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `sotto_${name}`, help, labelNames, registers });
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name: `sotto_${name}`, help, buckets, labelNames, registers });
  const busConnected = new Gauge({ name: "sotto_bus_connected", help: "1 while NATS is reached", registers });
  // Absent where no NATS is used.
  busConnected.remove();
  const metrics = {
    busConnected,
    failures: counter<"part">("failures_total", "Failures of the server itself; the log says more", "part"),
    certificateReloads: counter("certificate_reloads_total", "Certificates read anew", "outcome"),
    limitsHit: counter("limits_hit_total", "Refusals by a limit of the configuration", "limit"),
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
    appendSeconds: histogram(
      "append_seconds",
      "From the arrival of an entry until it is stored durably and confirmed",
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 5],
    ),
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
    expired: counter("entries_expired_total", "Entries and slots deleted by retention"),
    blobsStored: counter("blobs_stored_total", "Blobs that were uploaded to their end"),
    blobBytesReceived: counter("blob_bytes_received_total", "Bytes of blobs stored durably"),
    blobBytesSent: counter("blob_bytes_sent_total", "Bytes of blobs handed out"),
    blobRefusals: counter("blob_requests_refused_total", "Requests about blobs that were refused", "code"),
    blobsExpired: counter("blobs_expired_total", "Blobs deleted by retention"),
  };
  // Prometheus sees a counter grow only from what it saw before: what an alert waits for is there from the start, at 0.
  for (const part of failingParts) metrics.failures.inc({ part }, 0);
  for (const outcome of ["ok", "refused"]) {
    metrics.certificateReloads.inc({ outcome }, 0);
    metrics.signIns.inc({ outcome }, 0);
  }
  metrics.blobRefusals.inc({ code: "blob_space" }, 0);
  for (const channel of channels) {
    for (const outcome of ["ok", "failed"]) metrics.deliveries.inc({ channel, outcome }, 0);
  }
  return metrics;
}
