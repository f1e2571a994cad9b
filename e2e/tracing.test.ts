/** `--otel`: what a real server sends to a real receiver of OTLP over HTTP, and that nothing of it names anybody. */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseFingerprint } from "@sotto/protocol";
import { startServer } from "@sotto/server";
import { root } from "./documents.ts";
import { WireSession, addDevices } from "./support/wire-device.ts";

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
  readonly attributes: readonly Attribute[];
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A collector: keeps what is posted to /v1/traces. */
async function receiver(status = 200, answer = "{}") {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += String(piece);
    bodies.push(body);
    paths.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
    response.writeHead(status, { "content-type": "application/json" }).end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const sent = (): OtlpBody[] => bodies.map((body) => JSON.parse(body) as OtlpBody);
  const spans = (): OtlpSpan[] =>
    sent().flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
  return { url: `http://127.0.0.1:${port}`, bodies, paths, sent, spans };
}

function dataFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "sotto-tracing-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, "data");
}

const plain = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));

test("requests, sign-ins, commits and reads become spans, without an id of anybody", async () => {
  const data = dataFolder();
  const base = { data, port: 0, logLevel: "silent" } as const;
  await (await startServer(base)).close();
  const [device] = await addDevices(join(data, "sotto.db"), 1);
  const collector = await receiver();
  const server = await startServer({ ...base, otel: collector.url });
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  const blob = "A".repeat(43);
  await fetch(`${server.address}/v1/blobs/${blob}`);
  await fetch(`${server.address}/sotto.v1.RegistrationService/RequestCode`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`,
    },
    body: "{}",
  });
  for (const path of ["healthz", "readyz", "metrics", "nothing/secret"])
    await fetch(`${server.address}/${path}`);
  const session = await WireSession.open(server.address, device!, parseFingerprint(server.fingerprint)!);
  const logId = device!.inbox;
  await session.ask(
    { case: "append", value: { request: 1, logId, kind: 1, body: Buffer.from("hello") } },
    "appended",
  );
  await session.ask({ case: "attach", value: { request: 2, logId, afterSeq: 0n, window: 10 } }, "entries");
  session.close();
  await server.close();

  expect(new Set(collector.paths)).toEqual(new Set(["POST /v1/traces application/json"]));
  const spans = collector.spans();
  const named = (name: string): OtlpSpan => {
    const found = spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`no ${name} among ${spans.map((span) => span.name).join(", ")}`);
    return found;
  };
  expect(plain(named("GET /v1/blobs/:id").attributes)).toEqual({
    "http.request.method": "GET",
    "http.route": "/v1/blobs/:id",
    "http.response.status_code": 400,
  });
  expect(plain(named("POST /sotto.v1.RegistrationService/RequestCode").attributes)).toMatchObject({
    "http.response.status_code": 400,
  });
  expect(plain(named("GET (none)").attributes)).toMatchObject({ "http.response.status_code": 404 });
  expect(named("sign in").attributes).toEqual([]);
  const commit = Object.keys(plain(named("group commit").attributes));
  expect(commit).toEqual(["sotto.operations", "sotto.appends", "sotto.acks"]);
  expect(plain(named("delivery read").attributes)).toEqual({ "sotto.entries": 1 });
  expect(spans.map(({ name }) => name).filter((name) => /metrics|healthz|readyz/.test(name))).toEqual([]);
  for (const span of spans) {
    expect(span.parentSpanId ?? "").toBe("");
    const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
    expect(end >= start && start > startedNs - 60_000_000_000n && end - start < 60_000_000_000n).toBe(true);
  }
  const [{ resource } = { resource: { attributes: [] } }] = collector.sent()[0]?.resourceSpans ?? [];
  expect(Object.keys(plain(resource.attributes)).toSorted()).toEqual(["service.name", "service.version"]);
  const all = collector.bodies.join("\n");
  const { account, device: id, inbox } = device!;
  for (const bytes of [account, id, inbox]) {
    for (const form of ["hex", "base64", "base64url"] as const)
      expect(all).not.toContain(Buffer.from(bytes).toString(form));
  }
  for (const secret of [blob, "secret", "127.0.0.1", "abababab", "hello"]) expect(all).not.toContain(secret);
});

test("a collector that refuses is told of, without what it said, and nobody waits for it", async () => {
  const collector = await receiver(403, "no such token: hunter2");
  const logged: string[] = [];
  const server = await startServer(
    { data: dataFolder(), port: 0, otel: `${collector.url}/elsewhere` },
    { logTo: { write: (line) => logged.push(line) } },
  );
  expect((await fetch(`${server.address}/`)).status).toBe(200);
  await server.close();
  expect(collector.paths).toEqual(["POST /elsewhere application/json"]);
  const told = logged.filter((line) => line.includes("traces cannot be delivered"));
  expect(told).toEqual([expect.stringContaining('"code":403')]);
  expect(told.join("")).not.toContain("hunter2");
});

test("without the setting nothing of OpenTelemetry is loaded", () => {
  const sources = globSync("packages/server/src/**/*.ts", { cwd: root });
  const importing = (pattern: RegExp): string[] =>
    sources.filter((file) => pattern.test(readFileSync(join(root, file), "utf8")));
  expect(importing(/^import (?!type).*from "@opentelemetry/m)).toEqual([
    "packages/server/src/adapters/tracing.ts",
  ]);
  expect(importing(/^import (?!type).*tracing\.ts"/m)).toEqual([]);
  expect(importing(/await import\(".\/adapters\/tracing\.ts"\)/)).toEqual(["packages/server/src/serve.ts"]);
});
