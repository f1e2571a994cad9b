/**
 * Which addresses push endpoints may have: those of the open internet. Endpoints come from clients, and the server calls them: without this
 * anybody with an account could let it knock at doors inside of its own network (server-side request forgery). Names are looked up when the
 * connection is made, and that very address is used: what a name meant a moment before does not count.
 */
import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

const closed = new BlockList();
// Special-purpose addresses (RFC 6890 and what followed it).
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  closed.addSubnet(network, prefix, "ipv4");
}
/** Of IPv6 only what is given out for the open internet, and of that not what leads back to IPv4, or is for documents. */
const open = new BlockList();
open.addSubnet("2000::", 3, "ipv6");
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  closed.addSubnet(network, prefix, "ipv6");
}

/** Whether an address is one of the open internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closed.check(address, "ipv4");
  return family === 6 && open.check(address, "ipv6") && !closed.check(address, "ipv6");
}

/** Whether an endpoint may be called, as far as can be told from its text. @param anywhere for tests: plain HTTP and any address as well. */
export function isPushEndpoint(endpoint: string, anywhere: boolean): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname, port, username, password, hash } = new URL(endpoint);
  if (username !== "" || password !== "" || hash !== "") return false;
  if (anywhere) return protocol === "https:" || protocol === "http:";
  // Push services are named, and on the port of HTTPS.
  return (
    protocol === "https:" &&
    port === "" &&
    isIP(hostname.replaceAll(/[[\]]/g, "")) === 0 &&
    hostname.includes(".")
  );
}

/** Looks names up, and refuses those that lead anywhere else than the open internet. */
export const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [], 0);
    const [first] = addresses;
    // One that is not is refused with the whole name: whoever mixes them wants to be connected to it.
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(
        Object.assign(new Error("not an address of the open internet"), { code: "EACCES" }),
        [],
        0,
      );
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
