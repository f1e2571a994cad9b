/** Linking a device over real connections, and attacks on it: guessing, answering twice, exchanging the offer, floods. */
import { createHash, randomBytes } from "node:crypto";
import { nodeProvider } from "@sotto/crypto/node";
import {
  AwaitLinkPayloadSchema,
  AwaitLinkResultSchema,
  LIMITS,
  OpenLinkPayloadSchema,
  OpenLinkResultSchema,
} from "@sotto/protocol";
import { afterEach, expect, test } from "vitest";
import { HonestPair, type RawClient, TestServer, callSealed } from "../src/attack.ts";

const provider = nodeProvider();
let server: TestServer;
let honest: HonestPair;
let nowMs: number;

async function start(limits: object = {}): Promise<RawClient> {
  nowMs = Date.now();
  server = await TestServer.start(provider, { limits }, { nowMs: () => nowMs });
  honest = await HonestPair.join(server);
  return server.connect(await server.join());
}

afterEach(async () => {
  nowMs = Date.now();
  await honest.exchange();
  honest.close();
  await server.close();
});

interface Link {
  readonly linkId: Uint8Array;
  readonly offer: Uint8Array;
  readonly secret: Uint8Array;
}
const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest());

function newLink(offerBytes = 100): Link {
  const offer = new Uint8Array(randomBytes(offerBytes));
  const linkId = new Uint8Array(randomBytes(16));
  return { linkId, offer, secret: new Uint8Array(randomBytes(32)) };
}

/** Opens a link: for how many seconds, or the code of the refusal. */
async function open(link: Link, over: { linkId?: Uint8Array; secretHash?: Uint8Array } = {}) {
  const { linkId, offer, secret } = link;
  const value = { linkId, offer, secretHash: sha256(secret), ...over };
  const payload = { schema: OpenLinkPayloadSchema, value };
  const result = await callSealed(provider, server.facts, "OpenLink", payload, OpenLinkResultSchema);
  return typeof result === "string" ? result : result.expiresInSec;
}

/** The answer's bytes, or the code of the refusal. */
async function wait({ linkId, secret }: Pick<Link, "linkId" | "secret">): Promise<Uint8Array | string> {
  const payload = { schema: AwaitLinkPayloadSchema, value: { linkId, secret } };
  const result = await callSealed(provider, server.facts, "AwaitLink", payload, AwaitLinkResultSchema);
  return typeof result === "string" ? result : result.answer;
}

async function fetchLink(client: RawClient, linkId: Uint8Array) {
  const request = client.request();
  client.send({ case: "fetchLink", value: { request, linkId } });
  return Promise.race([
    client.next("linkFetched", (fetched) => fetched.request === request),
    client
      .next("refused", (refused) => refused.request === request)
      .then(({ problem }) => problem?.code ?? ""),
  ]);
}

function answer(client: RawClient, linkId: Uint8Array, bytes: Uint8Array): Promise<string> {
  const request = client.request();
  client.send({ case: "answerLink", value: { request, linkId, answer: bytes } });
  return client.outcome(request);
}

test("an offer reaches a signed-in device, and its answer the one who waits", async () => {
  const phone = await start();
  const link = newLink(LIMITS.maxLinkOfferBytes);
  expect(await open(link)).toBe(LIMITS.linkLifetimeSec);
  const waiting = wait(link);
  const fetched = await fetchLink(phone, link.linkId);
  expect(fetched).toMatchObject({ offer: link.offer, address: "127.0.0.1" });
  expect(fetched).toMatchObject({ madeAtSec: BigInt(Math.floor(nowMs / 1000)) });
  const sealed = new Uint8Array(randomBytes(LIMITS.maxLinkAnswerBytes));
  expect(await answer(phone, link.linkId, sealed)).toBe("done");
  expect(await waiting).toEqual(sealed);
  // An answer that was lost on its way can be had again.
  expect(await wait(link)).toEqual(sealed);
  phone.close();
});

test("who waits in vain is told so after a while, and can ask on", { timeout: 40_000 }, async () => {
  const phone = await start();
  const link = newLink();
  await open(link);
  const before = performance.now();
  expect(await wait(link)).toEqual(new Uint8Array());
  expect(performance.now() - before).toBeGreaterThan(LIMITS.linkPollMs - 500);
  expect(performance.now() - before).toBeLessThan(LIMITS.linkPollMs + 4_000);
  // A second one who waits takes the place of the first.
  const first = wait(link);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = wait(link);
  expect(await first).toEqual(new Uint8Array());
  await answer(phone, link.linkId, randomBytes(5));
  expect(await second).toHaveLength(5);
  phone.close();
});

test("opening again is answered alike, and its time does not begin anew", async () => {
  const phone = await start();
  const link = newLink();
  expect(await open(link)).toBe(600);
  nowMs += 400_000;
  expect(await open(link)).toBe(200);
  nowMs += 200_000;
  expect(await fetchLink(phone, link.linkId)).toBe("link_refused");
  expect(await wait(link)).toBe("link_refused");
  expect(await answer(phone, link.linkId, randomBytes(5))).toBe("link_refused");
  phone.close();
});

test("the first offer under an id stays", async () => {
  const phone = await start();
  const link = newLink();
  expect(await open(link, { linkId: link.linkId.subarray(1) })).toBe("malformed");
  expect(await fetchLink(phone, link.linkId)).toBe("link_refused");
  await open(link);
  // Whoever learns the id can neither exchange the offer nor take the link over with a secret of their own.
  expect(await open({ ...link, offer: new Uint8Array(randomBytes(100)) })).toBe("link_refused");
  expect(await open({ ...link, secret: randomBytes(32) })).toBe("link_refused");
  expect(await fetchLink(phone, link.linkId)).toMatchObject({ offer: link.offer });
  phone.close();
});

test("only who opened the link gets the answer", async () => {
  const phone = await start();
  const link = newLink();
  await open(link);
  await answer(phone, link.linkId, randomBytes(100));
  expect(await wait({ ...link, secret: new Uint8Array(randomBytes(32)) })).toBe("link_refused");
  expect(await wait({ linkId: new Uint8Array(randomBytes(16)), secret: link.secret })).toBe("link_refused");
  expect(await wait({ ...link, secret: sha256(link.secret) })).toBe("link_refused");
  expect(await wait({ ...link, secret: link.secret.subarray(1) })).toBe("malformed");
  expect(await wait(link)).toHaveLength(100);
  phone.close();
});

test("a link has one answer: the first, which may come again", async () => {
  const phone = await start();
  const mallory = await server.connect(await server.join());
  const link = newLink();
  await open(link);
  const sealed = randomBytes(100);
  expect(await answer(phone, link.linkId, sealed)).toBe("done");
  expect(await answer(phone, link.linkId, sealed)).toBe("done");
  expect(await answer(mallory, link.linkId, randomBytes(100))).toBe("link_refused");
  expect(await fetchLink(mallory, link.linkId)).toBe("link_refused");
  expect(await wait(link)).toEqual(new Uint8Array(sealed));
  for (const client of [phone, mallory]) client.close();
});

test("wrong lengths are refused", async () => {
  const phone = await start();
  expect(await open(newLink(LIMITS.maxLinkOfferBytes + 1))).toBe("too_large");
  expect(await open(newLink(0))).toBe("malformed");
  const link = newLink();
  expect(await open(link, { secretHash: new Uint8Array(31) })).toBe("malformed");
  await open(link);
  expect(await answer(phone, link.linkId, new Uint8Array())).toBe("malformed");
  expect(await answer(phone, link.linkId, new Uint8Array(LIMITS.maxLinkAnswerBytes + 1))).toBe("too_large");
  expect(await answer(phone, new Uint8Array(17), randomBytes(1))).toBe("malformed");
  expect(await fetchLink(phone, new Uint8Array(0))).toBe("malformed");
  expect(await answer(phone, link.linkId, randomBytes(1))).toBe("done");
  phone.close();
});

test("guessing links is limited by account and by address, also for links that are there", async () => {
  const phone = await start({ linkMissesPerAccount: { burst: 2, perHour: 0 } });
  const link = newLink();
  await open(link);
  expect(await fetchLink(phone, randomBytes(16))).toBe("link_refused");
  expect(await answer(phone, randomBytes(16), randomBytes(1))).toBe("link_refused");
  expect(await fetchLink(phone, randomBytes(16))).toBe("rate_limited");
  expect(await fetchLink(phone, link.linkId)).toBe("rate_limited");
  const other = await server.connect(await server.join());
  expect(await fetchLink(other, link.linkId)).toMatchObject({ offer: link.offer });
  for (const client of [phone, other]) client.close();
});

test("guessing secrets is limited by address", async () => {
  const phone = await start({ linkMissesPerAddress: { burst: 2, perHour: 0 } });
  for (const outcome of ["link_refused", "link_refused", "rate_limited"])
    expect(await wait(newLink())).toBe(outcome);
  phone.close();
});

test("a flood of offers from one address ends at its limit, and expiry makes room", async () => {
  const phone = await start({ linksPerAddress: { burst: 3, perHour: 6 } });
  for (const outcome of [600, 600, 600, "rate_limited"]) expect(await open(newLink())).toBe(outcome);
  nowMs += 600_000;
  expect(await open(newLink())).toBe(600);
  phone.close();
});

test("answers of one account are limited", async () => {
  const phone = await start({ linkAnswersPerAccount: { burst: 1, perHour: 0 } });
  const [first, second] = [newLink(), newLink()];
  for (const link of [first, second]) await open(link);
  expect(await answer(phone, first.linkId, randomBytes(1))).toBe("done");
  expect(await answer(phone, second.linkId, randomBytes(1))).toBe("rate_limited");
  phone.close();
});

test("a server that stops does not wait for those who wait", async () => {
  const phone = await start();
  const link = newLink();
  await open(link);
  const waiting = wait(link).catch(() => "cut");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = performance.now();
  const stopping = TestServer.start(provider);
  phone.close();
  honest.close();
  await server.close();
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(await waiting).toEqual(new Uint8Array());
  server = await stopping;
  honest = await HonestPair.join(server);
});
