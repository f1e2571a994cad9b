/** Codes to a real HTTP server. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseIdentifier } from "@sotto/protocol";
import { webhookSender, type WebhookOptions } from "../../src/adapters/otp-webhook.ts";

interface Call {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

const ann = parseIdentifier("+15551230001");

/** A gateway that answers with these states, then 200; 0 cuts the connection, -1 says nothing at all. */
async function gateway(states: number[] = []): Promise<{ calls: Call[]; url: string }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => (text += part));
    request.on("end", () => {
      calls.push({ method: request.method, headers: request.headers, body: JSON.parse(text) });
      const state = states.shift() ?? 200;
      if (state === 0) request.socket.destroy();
      else if (state > 0)
        response.writeHead(state, state === 302 ? { location: "/elsewhere" } : {}).end("{}");
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms?key=k` };
}

function sender(url: string, more: Partial<WebhookOptions> = {}) {
  const made = webhookSender({
    url,
    token: undefined,
    serverName: "chat",
    pausesMs: [1, 1],
    timeoutMs: 200,
    ...more,
  });
  onTestFinished(() => made.close());
  return made;
}

describe("webhook", () => {
  test("posts JSON with a bearer token", async () => {
    const { calls, url } = await gateway();
    await sender(url, { token: "t0ken" }).send(ann, "012345");
    expect(calls.length).toBe(1);
    const { method, headers, body } = calls[0]!;
    expect(method).toBe("POST");
    expect(headers["content-type"]).toBe("application/json");
    expect(headers.authorization).toBe("Bearer t0ken");
    expect(body).toEqual({
      to: "+15551230001",
      text: "012345 is your Sotto code for chat. Give it to nobody.",
      code: "012345",
    });
  });

  test.each([
    ["5xx", [500, 503]],
    ["429", [429]],
    ["cut connections", [0, 0]],
    ["silence", [-1]],
  ])("tries again after %s, with one key", async (_, states) => {
    const { calls, url } = await gateway([...states]);
    await sender(url).send(ann, "012345");
    expect(calls.length).toBe(states.length + 1);
    expect(new Set(calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(calls[0]?.headers.authorization).toBe(undefined);
  });

  test("gives up after the last try", async () => {
    const { calls, url } = await gateway([500, 500, 500, 500]);
    await expect(sender(url).send(ann, "012345")).rejects.toThrow("the webhook answered 500");
    expect(calls.length).toBe(3);
  });

  test.each([400, 401, 404, 302])("does not try again after %i", async (state) => {
    const { calls, url } = await gateway([state]);
    await expect(sender(url).send(ann, "012345")).rejects.toThrow(`the webhook answered ${state}`);
    expect(calls.length).toBe(1);
  });

  test("closing ends the pauses", async () => {
    const { calls, url } = await gateway([500, 500]);
    const slow = sender(url, { pausesMs: [60_000] });
    const sending = slow.send(ann, "012345");
    await expect.poll(() => calls.length).toBe(1);
    slow.close();
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
  });
});
