/**
 * Whom limits count a request against: the peer's network address, or what trusted proxies say it is. An IPv6 address is
 * cut to its /64, since one customer has them all.
 */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { UsageError } from "@sotto/protocol";

/** Tells the client's address of a request. */
export type ClientAddress = (request: IncomingMessage) => string;

/**
 * @param trustedProxies addresses, networks (CIDR) or `loopback`.
 * @throws UsageError `config_invalid`.
 */
export function clientAddress(trustedProxies: readonly string[]): ClientAddress {
  // Looking an address up in a list, empty or not, takes as long as all the rest.
  if (trustedProxies.length === 0) return (request) => prefixOf(plain(request.socket.remoteAddress ?? ""));
  const trusted = new BlockList();
  for (const proxy of trustedProxies) {
    if (proxy === "loopback") {
      trusted.addSubnet("127.0.0.0", 8, "ipv4");
      trusted.addAddress("::1", "ipv6");
    } else addProxy(trusted, proxy);
  }
  const isTrusted = (address: string): boolean =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (request) => {
    let address = plain(request.socket.remoteAddress ?? "");
    const forwarded = String(request.headers["x-forwarded-for"] ?? "").split(",");
    // Each proxy appends the address that it saw: the last one that is not a proxy of ours is the client.
    while (isTrusted(address)) {
      const before = plain(forwarded.pop()?.trim() ?? "");
      if (isIP(before) === 0) break;
      address = before;
    }
    return prefixOf(address);
  };
}

/** Whether a request comes from this machine itself, and not through a proxy on it. */
export function isLocal(request: IncomingMessage): boolean {
  const address = plain(request.socket.remoteAddress ?? "");
  const forwarded = "x-forwarded-for" in request.headers || "forwarded" in request.headers;
  return !forwarded && (address === "::1" || (isIP(address) === 4 && address.startsWith("127.")));
}

function addProxy(trusted: BlockList, proxy: string): void {
  const [address = "", bits] = proxy.split("/");
  const kind = isIP(address) === 6 ? "ipv6" : "ipv4";
  try {
    if (bits === undefined) trusted.addAddress(address, kind);
    else trusted.addSubnet(address, Number(bits), kind);
  } catch (cause) {
    throw new UsageError("config_invalid", "trustedProxies: must be addresses, networks or loopback", {
      cause,
    });
  }
}

/** IPv4 in IPv6's clothes (::ffff:192.0.2.1) as IPv4. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

function prefixOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return `${[...left, ...middle, ...right]
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(":")}::/64`;
}
