/** What operators see: health, metrics, TLS, drain. */
import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { fromBinary } from "@bufbuild/protobuf";
import { ServerFramesSchema } from "@sotto/protocol";
import { describeError } from "../../src/events.ts";
import { Readiness } from "../../src/http/health.ts";
import type { Store } from "../../src/core/store.ts";
import { newAccount } from "../support/account.ts";
import { selfSigned } from "../support/certificate.ts";
import { register, requestCode } from "../support/sealed-client.ts";
import { startTestServer } from "../support/server.ts";

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("health", () => {
  test("alive and ready", async () => {
    const server = await startTestServer();
    const health = await fetch(`${server.origin}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const ready = await fetch(`${server.origin}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
    expect(await (await fetch(server.origin)).text()).toContain("Sotto");
    expect((await fetch(`${server.origin}/nothing`)).status).toBe(404);
  });

  test("not ready while draining, after a failed commit, or when the store does not answer", async () => {
    let nowMs = 0;
    const readiness = new Readiness({ accountById: async () => undefined } as unknown as Store, () => nowMs);
    expect(await readiness.state()).toBe("ready");
    readiness.writeFailed();
    expect(await readiness.state()).toBe("store failing");
    nowMs += 10_000;
    expect(await readiness.state()).toBe("ready");
    readiness.startDraining();
    expect(await readiness.state()).toBe("draining");
    const gone = { accountById: () => Promise.reject(new Error("gone")) } as unknown as Store;
    expect(await new Readiness(gone, () => 0).state()).toBe("store failing");
  });

  test("/readyz answers 503 when the store fails", async () => {
    const server = await startTestServer();
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(`${server.dataFolder}/sotto.db`);
    database.exec("DROP TABLE device_lists; DROP TABLE devices; DROP TABLE accounts");
    database.close();
    const ready = await fetch(`${server.origin}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: "store failing" }]);
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  });
});

describe("metrics", () => {
  test("count what happened, in Prometheus's format, and name nobody", async () => {
    const server = await startTestServer();
    await requestCode(server.origin, "+15551230001");
    await register(server.origin, "+15551230001", server.codeFor("+15551230001"), newAccount().signed);
    const response = await fetch(`${server.origin}/metrics`);
    const text = await response.text();
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(text).toContain('sotto_codes_requested_total{outcome="ok"} 1');
    expect(text).toContain('sotto_registrations_total{outcome="ok"} 1');
    expect(text).toMatch(/^sotto_accounts 1$/m);
    expect(text).toMatch(/^sotto_logs 1$/m);
    expect(text).toMatch(/^sotto_database_bytes [1-9]\d+$/m);
    expect(text).not.toContain("555");
  });

  test("are for this machine only, unless a token is given", async () => {
    const open = await startTestServer();
    const proxied = { headers: { "x-forwarded-for": "192.0.2.1" } };
    expect((await fetch(`${open.origin}/metrics`, proxied)).status).toBe(403);
    const guarded = await startTestServer({ metricsToken: "sixteen-characters" });
    expect((await fetch(`${guarded.origin}/metrics`)).status).toBe(403);
    expect((await fetch(`${guarded.origin}/metrics`, bearer("sixteen-character"))).status).toBe(403);
    expect((await fetch(`${guarded.origin}/metrics`, bearer("sixteen-characters"))).status).toBe(200);
  });
});

describe("connections", () => {
  test("TLS, with the operator's certificate", async () => {
    const { certFile, keyFile, cert } = selfSigned();
    const server = await startTestServer({ tlsCert: certFile, tlsKey: keyFile });
    expect(server.origin).toMatch(/^https:/);
    expect(server.invite).not.toContain("plain");
    const call = request(`${server.origin}/healthz`, { ca: cert }).end();
    const [response] = (await once(call, "response")) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test.each([
    ["no file", (_cert: string, key: string) => ({ tlsCert: "/no/such.pem", tlsKey: key }), "tlsCert: "],
    ["no certificate", (_cert: string, key: string) => ({ tlsCert: key, tlsKey: key }), "tlsKey: "],
  ])("TLS with %s is refused before anything is made", async (_, config, message) => {
    const { certFile, keyFile } = selfSigned();
    await expect(startTestServer(config(certFile, keyFile))).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(message),
    });
  });

  test("an address that is taken, or not of this machine, is named", async () => {
    const server = await startTestServer();
    const port = Number(new URL(server.origin).port);
    await expect(startTestServer({ port })).rejects.toMatchObject({ code: "address_in_use" });
    await expect(startTestServer({ host: "192.0.2.1" })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("host: "),
    });
  });

  test("draining tells clients to come back, and ends with every connection closed", async () => {
    const server = await startTestServer();
    const socket = new WebSocket(`${server.origin.replace("http", "ws")}/v1/session`);
    await once(socket, "open");
    const { hostname, port } = new URL(server.origin);
    const silent = connect(Number(port), hostname);
    await once(silent, "connect");
    const frames: string[] = [];
    socket.on("message", (data: Buffer) => {
      for (const { frame } of fromBinary(ServerFramesSchema, data).frames) {
        frames.push(frame.case === "goodbye" ? String(frame.value.problem?.code) : String(frame.case));
      }
    });
    const closed = once(socket, "close");
    const startMs = performance.now();
    await server.close();
    await closed;
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(frames).toEqual(["draining"]);
    await once(silent, "close");
    await expect(fetch(`${server.origin}/healthz`)).rejects.toThrow("fetch failed");
    expect(server.logged.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "listening",
      "draining",
      "stopped",
    ]);
    // Closing twice is closing once.
    await server.close();
  });
});

test("of foreign errors only the kind is logged", () => {
  const cause = Object.assign(new Error("550 <ann@example.org> unknown"), {
    responseCode: 550,
    code: "EENVELOPE",
  });
  const described = JSON.stringify(describeError(new Error("ann@example.org", { cause })));
  expect(described).not.toContain("ann");
  expect(described).toContain('"responseCode":550');
  expect(described).toContain('"code":"EENVELOPE"');
  expect(described).toContain("operator.test.ts");
  expect(describeError("ann@example.org")).toEqual({ name: "string" });
});
