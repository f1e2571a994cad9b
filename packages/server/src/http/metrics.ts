/**
 * /metrics for Prometheus. It counts and names nobody, and is still nobody's business: without a token only this machine
 * may read it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Gauge, type Registry } from "prom-client";
import type { Store } from "../core/store.ts";
import { isLocal } from "./client-address.ts";

/** Adds the route, and gauges that are read from the store when somebody asks. */
export function addMetricsRoute(
  app: FastifyInstance,
  registry: Registry,
  store: Store,
  token: string | undefined,
): void {
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `sotto_${name}`, help, registers: [registry] });
  const accounts = gauge("accounts", "Accounts");
  const logs = gauge("logs", "Inboxes and conversation logs");
  const entries = gauge("entries", "Entries stored now");
  const bytes = gauge("database_bytes", "Size of the database on disk");
  const blobs = gauge("blobs", "Blobs, unfinished ones among them");
  const blobBytes = gauge("blob_bytes", "Bytes that they have or are to have");

  app.get("/metrics", async (request, reply) => {
    if (!mayRead(request, token)) {
      return reply.code(403).send("Metrics are for this machine only. See docs/operate.md, metricsToken.\n");
    }
    const stats = await store.stats();
    accounts.set(stats.accounts);
    logs.set(stats.logs);
    entries.set(stats.entries);
    bytes.set(stats.bytesOnDisk);
    const blobStats = await store.blobStats();
    blobs.set(blobStats.blobs);
    blobBytes.set(blobStats.bytes);
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  if (token === undefined) return isLocal(request.raw);
  return timingSafeEqual(hash(request.headers.authorization ?? ""), hash(`Bearer ${token}`));
}
