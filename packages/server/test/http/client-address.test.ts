import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { clientAddress, isLocal } from "../../src/http/client-address.ts";
import { startTestServer } from "../support/server.ts";

const request = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  }) as unknown as IncomingMessage;

describe("clientAddress", () => {
  test.each([
    ["198.51.100.7", undefined, [], "198.51.100.7"],
    ["::ffff:198.51.100.7", undefined, [], "198.51.100.7"],
    // Nobody is believed unless named.
    ["198.51.100.7", "192.0.2.1", [], "198.51.100.7"],
    ["127.0.0.1", "192.0.2.1", [], "127.0.0.1"],
    ["127.0.0.1", "192.0.2.1", ["loopback"], "192.0.2.1"],
    ["::1", "192.0.2.1", ["loopback"], "192.0.2.1"],
    // What the client wrote itself stands before what the proxy saw.
    ["127.0.0.1", "10.9.9.9, 192.0.2.1", ["loopback"], "192.0.2.1"],
    ["127.0.0.1", "192.0.2.1, 10.0.0.5", ["loopback", "10.0.0.0/8"], "192.0.2.1"],
    ["127.0.0.1", "nonsense", ["loopback"], "127.0.0.1"],
    ["127.0.0.1", "", ["loopback"], "127.0.0.1"],
    ["127.0.0.1", "127.0.0.1", ["loopback"], "127.0.0.1"],
    // One customer, one /64.
    ["2001:db8:1:2:3:4:5:6", undefined, [], "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", undefined, [], "2001:db8:1:2::/64"],
    ["2001:db8::1", undefined, [], "2001:db8:0:0::/64"],
    ["fe80::1%eth0", undefined, [], "fe80:0:0:0::/64"],
    ["2001:DB8:0001:0002::1", undefined, ["192.0.2.9"], "2001:db8:1:2::/64"],
    [undefined, undefined, [], ""],
  ] as [string | undefined, string | undefined, string[], string][])(
    "%s, forwarded for %s, trusting %j: %s",
    (remote, forwarded, trusted, expected) => {
      expect(clientAddress(trusted)(request(remote, forwarded))).toBe(expected);
    },
  );

  test.each([["nonsense"], ["10.0.0.0/99"], ["10.0.0.0/x"]])("%s is no proxy", (proxy) => {
    expect(() => clientAddress([proxy])).toThrow("trustedProxies");
  });
});

test("isLocal: this machine itself, without a proxy between", () => {
  expect([
    isLocal(request("127.0.0.1")),
    isLocal(request("127.9.9.9")),
    isLocal(request("::1")),
    isLocal(request("::ffff:127.0.0.1")),
    isLocal(request("127.0.0.1", "192.0.2.1")),
    isLocal(request("192.0.2.1")),
    isLocal(request(undefined)),
  ]).toEqual([true, true, true, true, false, false, false]);
});

const ask = async (origin: string, forwarded: string): Promise<number> => {
  const response = await fetch(`${origin}/sotto.v1.RegistrationService/RequestCode`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
    body: "{}",
  });
  await response.arrayBuffer();
  return response.status;
};

describe("limits of a running server", () => {
  const limits = { requestsPerAddress: { burst: 1, perHour: 1 } };
  // 400: the request, which holds nothing, was read. 429: its address had none left.
  test.each([
    ["nobody is trusted", [], [400, 429, 429]],
    ["others are trusted", ["192.0.2.0/24"], [400, 429, 429]],
    ["this machine is", ["loopback"], [400, 400, 429]],
  ])("when %s", async (_, trustedProxies, expected) => {
    const { origin } = await startTestServer({ limits, trustedProxies });
    const statuses: number[] = [];
    for (const from of ["198.51.100.1", "198.51.100.2", "198.51.100.9, 198.51.100.1"]) {
      statuses.push(await ask(origin, from));
    }
    expect(statuses).toEqual(expected);
  });
});
