/** The metrics that a server keeps, by name. */
import { Registry, collectDefaultMetrics } from "prom-client";
import { createGauges, type WatchedState } from "../../packages/server/src/http/metrics.ts";
import { createMetrics } from "../../packages/server/src/metrics.ts";

/** What prom-client keeps of a metric beside what its types tell. */
export interface KnownMetric {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

const registry = new Registry();
createMetrics(registry);
createGauges(registry, { version: "" } as WatchedState);
collectDefaultMetrics({ register: registry });

/** Ours, and those of the process. */
export const knownMetrics: ReadonlyMap<string, KnownMetric> = new Map(
  (registry.getMetricsAsArray() as unknown as KnownMetric[]).map((metric) => [metric.name, metric]),
);
