/** Registering: what must be known beforehand, what a refusal leaves behind, and that no crash strands an account. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ProblemSchema } from "@sotto/protocol";
import { LyingServer } from "@sotto/testkit/attack";
import { fetchServerFacts, open, register, requestCode, type RegisterOptions } from "../src/node.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";
import { freshFolder } from "./support/folders.ts";

let server: TestServer;
let liar: LyingServer;
beforeAll(async () => {
  server = await testServer({ resendAfterSec: 0 });
  liar = await LyingServer.start(server.running.address);
});
afterAll(async () => {
  await liar.close();
  await server.stop();
});

let people = 0;
function options(changes: Partial<RegisterOptions> = {}): RegisterOptions {
  const identifier = changes.identifier ?? `+1555124${String(++people).padStart(4, "0")}`;
  return {
    server: server.running.invite,
    home: join(freshFolder(), "home"),
    passphrase: PASSPHRASE,
    code: async () => server.code(identifier),
    ...changes,
    identifier,
  };
}

test("identifiers are normalised; the server may be given as an invite, or an address with a fingerprint or a key", async () => {
  const { address, fingerprint, invite } = server.running;
  const facts = await fetchServerFacts({ server: address });
  expect(facts).toMatchObject({ origin: address, fingerprint, registrationOpen: true, classicAllowed: true });
  const choices = [
    { server: invite },
    { server: address, serverKey: fingerprint },
    { server: address, serverKey: facts.publicKeyPem },
  ];
  for (const [i, choice] of choices.entries()) {
    const identifier = `+1555125000${i}`;
    const self = await register(
      options({ ...choice, identifier: `+1 (555) 125-000${i}`, code: async () => server.code(identifier) }),
    );
    expect(self).toMatchObject({ identifier, serverOrigin: address, serverFingerprint: fingerprint });
  }
});

test("without a known key, or with a wrong one, nothing is sent and nothing is made", async () => {
  const { address } = server.running;
  const other = "A".repeat(43);
  const home = join(freshFolder(), "home");
  await expect(register(options({ home, server: address }))).rejects.toMatchObject({ code: "usage" });
  await expect(register(options({ home, server: address, serverKey: "short" }))).rejects.toMatchObject({
    code: "usage",
  });
  await expect(register(options({ home, serverKey: other }))).rejects.toMatchObject({ code: "usage" });
  for (const call of [
    register(options({ home, server: address, serverKey: other })),
    requestCode({ server: address, serverKey: other, identifier: "+15551230000" }),
    fetchServerFacts({ server: address, serverKey: other }),
  ]) {
    await expect(call).rejects.toMatchObject({ code: "server_key_mismatch" });
  }
  await expect(
    register(options({ home, server: "http://127.0.0.1:9", serverKey: other })),
  ).rejects.toMatchObject({ code: "server_unreachable" });
  await expect(register(options({ home, identifier: "nobody" }))).rejects.toMatchObject({
    code: "identifier_invalid",
  });
  expect(existsSync(home)).toBe(false);
});

test("a wrong code is refused and leaves nothing behind; the right one then works, with another passphrase too", async () => {
  const wrong = options({ code: "000000" });
  await requestCode(wrong);
  await expect(register(wrong)).rejects.toMatchObject({ code: "code_refused" });
  expect(existsSync(wrong.home)).toBe(false);
  const code = server.code(wrong.identifier);
  await register({ ...wrong, code, passphrase: "another one" });
  await (await open({ home: wrong.home, passphrase: "another one", connect: false })).close();
});

test("an identifier that has an account is never taken over", async () => {
  const first = options();
  await register(first);
  const second = options({ identifier: first.identifier });
  await expect(register(second)).rejects.toMatchObject({ code: "identifier_taken" });
  expect(existsSync(second.home)).toBe(false);
});

test("when asking for the code is broken off, nothing is left behind", async () => {
  const broken = options({ code: () => Promise.reject(new Error("the person gave up")) });
  await expect(register(broken)).rejects.toThrow("the person gave up");
  expect(existsSync(broken.home)).toBe(false);
});

test("when the answer is lost after the server made the account, the next try finds it, with the same keys", async () => {
  const { fingerprint } = server.running;
  const lost = options({ server: liar.origin, serverKey: fingerprint });
  liar.lie({ sealedAnswer: (method, answer) => (method === "Register" ? answer.slice(1) : answer) });
  await expect(register(lost)).rejects.toMatchObject({ code: "server_key_mismatch" });
  await expect(open({ home: lost.home, passphrase: PASSPHRASE })).rejects.toMatchObject({
    code: "vault_missing",
  });
  await expect(register({ ...lost, passphrase: "wrong" })).rejects.toMatchObject({
    code: "passphrase_wrong",
  });
  liar.behave();
  let asked = 0;
  const self = await register({
    ...lost,
    code: async () => {
      asked++;
      return server.code(lost.identifier);
    },
  });
  expect(asked).toBe(0);
  const messenger = await open({ home: lost.home, passphrase: PASSPHRASE });
  expect(messenger.self).toEqual(self);
  await messenger.caughtUp();
  await messenger.close();
  await expect(register(lost)).rejects.toMatchObject({ code: "vault_exists" });
});

test("when the request was lost before the server made the account, the next try registers the same keys", async () => {
  const { fingerprint } = server.running;
  const lost = options({ server: liar.origin, serverKey: fingerprint });
  await requestCode(lost);
  const code = server.code(lost.identifier);
  const inner = { ...lost, code };
  // A code that is refused would be an answer; a server that is gone is none.
  const gone = await LyingServer.start(server.running.address);
  const through = { ...inner, server: gone.origin };
  gone.lie({ getServer: (answer) => (void setTimeout(() => void gone.close(), 0), answer) });
  await expect(register(through)).rejects.toMatchObject({ code: "server_unreachable" });
  const self = await register(inner);
  expect(self.identifier).toBe(lost.identifier);
  await (await open({ home: lost.home, passphrase: PASSPHRASE, connect: false })).close();
});

/** A server on the way to the real one that hands sealed calls on, and then answers a refusal of its own, outside any seal. */
async function onTheWay(): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const http = createServer(async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const headers = { "content-type": request.headers["content-type"] ?? "" };
    const answer = await fetch(server.running.address + (request.url ?? ""), {
      method: request.method ?? "POST",
      headers,
      body: Buffer.concat(body),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const type = { "content-type": answer.headers.get("content-type") ?? "" };
    if (request.url?.endsWith("/Register") !== true)
      return void response.writeHead(answer.status, type).end(bytes);
    const problem = toBinary(ProblemSchema, create(ProblemSchema, { code: "code_refused" }));
    const value = Buffer.from(problem).toString("base64");
    const details = [{ type: ProblemSchema.typeName, value }];
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ code: "failed_precondition", message: "", details }));
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => void http.close(resolve));
    },
  };
}

test("a refusal from outside the seal destroys no keys: the account that was made is found at the next try", async () => {
  const { address, fingerprint } = server.running;
  const way = await onTheWay();
  const mine = options({ server: way.origin, serverKey: fingerprint });
  await expect(register(mine)).rejects.toMatchObject({ code: "server_unreachable" });
  await way.close();
  const self = await register({ ...mine, server: address, code: () => Promise.reject(new Error("asked")) });
  expect(self.identifier).toBe(mine.identifier);
});

test("keys of a pending account are not overwritten by registering somebody else while they may be in use", async () => {
  const { address, fingerprint } = server.running;
  const way = await onTheWay();
  const first = options({ server: way.origin, serverKey: fingerprint });
  await expect(register(first)).rejects.toMatchObject({ code: "server_unreachable" });
  await way.close();
  const second = options({ server: address, serverKey: fingerprint, home: first.home });
  await expect(register(second)).rejects.toMatchObject({ code: "vault_exists" });
  const messenger = await open({ home: first.home, passphrase: PASSPHRASE, connect: false });
  expect(messenger.self.identifier).toBe(first.identifier);
  await messenger.close();
});
