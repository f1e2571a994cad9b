/**
 * /metrics for Prometheus. It counts and names nobody, and is still nobody's business: without a token only this machine
 * may read it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Gauge, type Registry } from "prom-client";
import type { Store } from "../core/store.ts";
import { isLocal } from "./client-address.ts";

/** What is looked at when somebody reads /metrics. */
export interface WatchedState {
  readonly store: Pick<Store, "stats" | "blobStats">;
  /** Absolute path: how full its disk is. */
  readonly dataFolder: string;
  readonly version: string;
  isReady(): Promise<boolean>;
  /** Of appends that wait to be stored. */
  queuedBytes(): number;
  /** Of what waits for slow peers. */
  outgoingBytes(): number;
  expiryLagSec(): number;
  /** Until the certificate ends; negative after it; undefined without one. */
  certificateLeftSec(): number | undefined;
}

/** Adds the route. @param token what readers from elsewhere show; without one only this machine may read. */
export function addMetricsRoute(
  app: FastifyInstance,
  registry: Registry,
  state: WatchedState,
  token: string | undefined,
): void {
  const look = createGauges(registry, state);
  app.get("/metrics", async (request, reply) => {
    if (!mayRead(request, token)) {
      return reply
        .code(403)
        .send(
          "Metrics are for this machine or, if metricsToken is set, for whoever shows it. See docs/operate.md.\n",
        );
    }
    await look();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** Makes the gauges that are read when somebody asks; returns what reads them. What cannot be read now is left out. */
export function createGauges(registry: Registry, state: WatchedState): () => Promise<void> {
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `sotto_${name}`, help, registers: [registry] });
  const gauges = {
    accounts: gauge("accounts", "Accounts"),
    logs: gauge("logs", "Inboxes and conversation logs"),
    entries: gauge("entries", "Entries stored now"),
    bytes: gauge("database_bytes", "Size of the database on disk"),
    blobs: gauge("blobs", "Blobs, unfinished ones among them"),
    blobBytes: gauge("blob_bytes", "Bytes that they have or are to have"),
    ready: gauge("ready", "1 while the server can serve; 0 while it drains or its store fails"),
    queue: gauge("append_queue_bytes", "Bytes of entries that wait to be stored"),
    outgoing: gauge("outgoing_queue_bytes", "Bytes that wait for connections that take them slowly"),
    expiryLag: gauge("expiry_lag_seconds", "Since nothing past its retention was left"),
    diskFree: gauge("disk_free_bytes", "Free on the disk of the data folder"),
    diskSize: gauge("disk_size_bytes", "Size of that disk"),
    certificate: gauge("certificate_expiry_seconds", "Until the TLS certificate ends"),
  };
  const build = new Gauge({
    name: "sotto_build_info",
    help: "1, with the version as its label",
    labelNames: ["version"],
    registers: [registry],
  });
  build.set({ version: state.version }, 1);
  return async () => {
    gauges.ready.set((await state.isReady()) ? 1 : 0);
    gauges.queue.set(state.queuedBytes());
    gauges.outgoing.set(state.outgoingBytes());
    gauges.expiryLag.set(state.expiryLagSec());
    setOrRemove(gauges.certificate, state.certificateLeftSec());
    const disk = await orUndefined(statfs(state.dataFolder));
    setOrRemove(gauges.diskFree, disk && disk.bavail * disk.bsize);
    setOrRemove(gauges.diskSize, disk && disk.blocks * disk.bsize);
    const stats = await orUndefined(state.store.stats());
    setOrRemove(gauges.accounts, stats?.accounts);
    setOrRemove(gauges.logs, stats?.logs);
    setOrRemove(gauges.entries, stats?.entries);
    setOrRemove(gauges.bytes, stats?.bytesOnDisk);
    const blobs = await orUndefined(state.store.blobStats());
    setOrRemove(gauges.blobs, blobs?.blobs);
    setOrRemove(gauges.blobBytes, blobs?.bytes);
  };
}

/** A store that fails must not take the other figures along: they tell of it. */
async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}

function setOrRemove(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  if (token === undefined) return isLocal(request.raw);
  return timingSafeEqual(hash(request.headers.authorization ?? ""), hash(`Bearer ${token}`));
}
