/**
 * Traces for OpenTelemetry, over OTLP. Loaded only when the configuration asks for them. Each span stands for itself: HTTP requests, sign-ins,
 * group commits, reads for delivery. None holds an id of a person, device, log or blob, an address, what a client sent along, or a size: a commit
 * may hold a single message.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Attributes } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from "@opentelemetry/sdk-trace";
import type { FastifyInstance } from "fastify";
import type { Store } from "../core/store.ts";
import type { ServerEvents } from "../events.ts";

/** What tracing works with. */
export interface TracingOptions {
  /** Where a collector takes OTLP over HTTP. */
  readonly url: string;
  readonly version: string;
  /** Told when traces cannot be delivered, once until they can again. */
  readonly failed: (error: unknown) => void;
}

/** What watches a server. */
export interface Tracing {
  /** The same events, which make spans too. */
  watchEvents(events: ServerEvents): ServerEvents;
  /** Makes a span of each read for delivery. Changes the store's method in place: it is on the hot path, and nothing goes around it. */
  watchReads(store: Store): void;
  /** Makes a span of each HTTP request but those that look after the server. */
  watchRequests(app: FastifyInstance): void;
  /** Delivers what waits, if the collector takes it within three seconds. */
  close(): Promise<void>;
}

const exportEveryMs = 2_000;
const exportTimeoutMs = 5_000;
const closeTimeoutMs = 3_000;
/** What is more than this between two exports is dropped: tracing never holds the server up. */
const mostWaitingSpans = 8_192;
const unwatched: ReadonlySet<string> = new Set(["/metrics", "/healthz", "/readyz"]);

/** Starts. Nothing is asked of the collector before there is something to deliver. */
export function startTracing({ url, version, failed }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: tracesUrl(url), timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    // Named here and not detected: what detectors find holds command lines.
    resource: resourceFromAttributes({ "service.name": "sotto", "service.version": version }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: telling(exporter, failed),
        scheduledDelayMillis: exportEveryMs,
        maxQueueSize: mostWaitingSpans,
      }),
    ],
  });
  const tracer = provider.getTracer("sotto", version);
  const span = (
    name: string,
    tookMs: number,
    attributes: Attributes,
    ok = true,
    kind = SpanKind.INTERNAL,
  ) => {
    const endTime = Date.now();
    const options = { root: true, kind, startTime: endTime - tookMs, attributes };
    const made = tracer.startSpan(name, options, ROOT_CONTEXT);
    if (!ok) made.setStatus({ code: SpanStatusCode.ERROR });
    made.end(endTime);
  };
  return {
    watchEvents: (events) => ({
      ...events,
      signedIn(tookMs) {
        events.signedIn(tookMs);
        span("sign in", tookMs, {});
      },
      committed(batch) {
        events.committed(batch);
        span("group commit", batch.durationMs, {
          "sotto.operations": batch.operations,
          "sotto.appends": batch.appendMs.length,
          "sotto.acks": batch.acks,
        });
      },
      commitFailed(error) {
        events.commitFailed(error);
        span("group commit", 0, {}, false);
      },
    }),
    watchReads(store) {
      const readEntries = store.readEntries.bind(store);
      store.readEntries = async (...args) => {
        const startMs = performance.now();
        let entries: number | undefined;
        try {
          const read = await readEntries(...args);
          entries = read.length;
          return read;
        } finally {
          const ok = entries !== undefined;
          span("delivery read", performance.now() - startMs, { "sotto.entries": entries ?? 0 }, ok);
        }
      };
    },
    watchRequests(app) {
      app.addHook("onResponse", async (request, reply) => {
        // The pattern and never the path, which holds what a blob is called.
        const route = request.routeOptions.url ?? "(none)";
        if (unwatched.has(route)) return;
        const attributes = {
          "http.request.method": request.method,
          "http.route": route,
          "http.response.status_code": reply.statusCode,
        };
        const ok = reply.statusCode < 500;
        span(`${request.method} ${route}`, reply.elapsedTime, attributes, ok, SpanKind.SERVER);
      });
    },
    async close() {
      const late = new Promise<void>((resolve) => void setTimeout(resolve, closeTimeoutMs).unref());
      await Promise.race([provider.shutdown().catch(failed), late]);
    },
  };
}

/** As OTLP has it: a collector's origin stands for its path for traces. */
function tracesUrl(url: string): string {
  const { pathname } = new URL(url);
  return pathname === "/" ? new URL("/v1/traces", url).href : url;
}

/** The same exporter; it tells once when it begins to fail, and its caller never. */
function telling(exporter: SpanExporter, failed: (error: unknown) => void): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error !== undefined && !isFailing) failed(error);
        isFailing = error !== undefined;
        done({ code: 0 });
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
