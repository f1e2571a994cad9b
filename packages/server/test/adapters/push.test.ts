/** Calling push services: encryption and tokens as the RFCs say, addresses that are called and that are not, tries and outcomes. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TestPushService } from "@sotto/testkit/push-service";
import { isPublicAddress, isPushEndpoint, lookUpPublic } from "../../src/adapters/push/addresses.ts";
import { encryptPush } from "../../src/adapters/push/encryption.ts";
import { VapidKey, generateVapidPem } from "../../src/adapters/push/vapid.ts";
import { webPushSender } from "../../src/adapters/push/web-push.ts";

const fromBase64Url = (text: string): Uint8Array => Buffer.from(text, "base64url");

test("encryption gives the example of RFC 8291, section 5", () => {
  const subscription = {
    p256dh: fromBase64Url(
      "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    ),
    auth: fromBase64Url("BTBZMqHH6r4Tts7J_aSIgg"),
  };
  const secrets = {
    salt: fromBase64Url("DGv6ra1nlYgDCS1FRnbzlw"),
    privateKey: fromBase64Url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
  };
  const plaintext = new TextEncoder().encode("When I grow up, I want to be a watermelon");
  expect(Buffer.from(encryptPush(subscription, plaintext, secrets)).toString("base64url")).toBe(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  );
});

describe("addresses", () => {
  test.each([
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.168.1.1",
    "198.18.0.1 224.0.0.1 255.255.255.255 ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8",
    "64:ff9b::7f00:1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 localhost",
  ])("inside of networks, or nowhere: %s", (list) => {
    for (const address of list.split(" "))
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  test("of the open internet", () => {
    for (const address of "8.8.8.8 172.32.0.1 1.1.1.1 2606:4700::1111 2a00:1450:4001::200e".split(" ")) {
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    }
  });

  test("endpoints are names under HTTPS, at its own port", () => {
    expect(isPushEndpoint("https://fcm.googleapis.com/fcm/send/abc:def", false)).toBe(true);
    expect(isPushEndpoint("https://updates.push.services.mozilla.com/wpush/v2/gAAA", false)).toBe(true);
    for (const endpoint of [
      "http://push.example.org/x",
      "https://push.example.org:8443/x",
      "https://127.0.0.1/x",
      "https://0x7f.1/x",
      "https://2130706433/x",
      "https://[::1]/x",
      "https://localhost/x",
      "https://user@push.example.org/x",
      "https://push.example.org/x#y",
      "ftp://push.example.org/x",
      "file:///etc/passwd",
      "push.example.org",
      "",
    ]) {
      expect([endpoint, isPushEndpoint(endpoint, false)]).toEqual([endpoint, false]);
    }
  });

  test("a name that leads inside is not connected to, whatever it is called", async () => {
    const look = promisify(lookUpPublic as (name: string, options: object, done: () => void) => void);
    await expect(look("localhost", {})).rejects.toMatchObject({ code: "EACCES" });
    await expect(look("localhost", { all: true })).rejects.toMatchObject({ code: "EACCES" });
  });
});

describe("a sender", () => {
  let service: TestPushService;
  const key = new VapidKey(generateVapidPem());
  const sender = (pausesMs: readonly number[] = [10, 10], anywhere = true) =>
    webPushSender({ key, subject: "mailto:ops@example.org", nowMs: Date.now, anywhere, pausesMs });
  beforeEach(async () => {
    service = await TestPushService.start();
  });
  afterEach(() => service.stop());

  test("sends an empty message, encrypted and signed, that is kept for two days as the only one", async () => {
    const subscription = await service.subscribe();
    expect(await sender().wake(subscription)).toBe("sent");
    expect(service.problems).toEqual([]);
    expect(service.received).toEqual([
      {
        endpoint: subscription.endpoint,
        plaintext: new Uint8Array(),
        serverKey: Uint8Array.from(key.publicKey),
        subject: "mailto:ops@example.org",
        ttlSec: 172_800,
        urgency: "high",
        topic: "sotto",
      },
    ]);
  });

  test.each([404, 410])("%i: the subscription is over", async (status) => {
    const subscription = await service.subscribe();
    service.answers.push({ status });
    expect(await sender().wake(subscription)).toBe("gone");
    expect(service.received).toHaveLength(1);
  });

  test.each([400, 403, 413])("%i is final", async (status) => {
    service.answers.push({ status });
    expect(await sender().wake(await service.subscribe())).toBe("refused");
    expect(service.received).toHaveLength(1);
  });

  test.each([429, 500, 503])("%i is tried again", async (status) => {
    service.answers.push({ status }, { status });
    expect(await sender().wake(await service.subscribe())).toBe("sent");
    expect(service.received).toHaveLength(3);
  });

  test("it waits as long as the service asks for, and gives up in the end", async () => {
    const subscription = await service.subscribe();
    const status = 503;
    service.answers.push({ status, headers: { "retry-after": "1" } });
    const began = performance.now();
    expect(await sender([10]).wake(subscription)).toBe("sent");
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    service.answers.push({ status }, { status }, { status });
    expect(await sender().wake(subscription)).toBe("failed");
  });

  test("redirects are not followed", async () => {
    service.answers.push({ status: 307, headers: { location: `${service.origin}/push/1` } });
    expect(await sender().wake(await service.subscribe())).toBe("refused");
    expect(service.received).toHaveLength(1);
  });

  test("a service that never answers is given up, and a server that stops waits for nothing", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const stopped = sender([60_000]);
    const waking = stopped.wake({ ...(await service.subscribe()), endpoint });
    setTimeout(() => stopped.close(), 100);
    expect(await waking).toBe("failed");
    silent.closeAllConnections();
    silent.close();
  });

  test("a key that is no point counts as over", async () => {
    const subscription = await service.subscribe();
    const p256dh = new Uint8Array(65).fill(4);
    expect(await sender().wake({ ...subscription, p256dh })).toBe("gone");
    expect(service.received).toEqual([]);
  });

  test("without the switch for tests, nothing on this machine is ever called", async () => {
    const subscription = await service.subscribe();
    const strict = sender([], false);
    expect(strict.accepts(subscription.endpoint)).toBe(false);
    // Even when a name leads here.
    const endpoint = subscription.endpoint.replace("127.0.0.1", "localhost");
    expect(await strict.wake({ ...subscription, endpoint })).toBe("failed");
    expect(service.received).toEqual([]);
  });
});
