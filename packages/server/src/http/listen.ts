/** Listening, with errors that say what to change; and the addresses under which others reach what listens. */
import { networkInterfaces } from "node:os";
import type { AddressInfo } from "node:net";
import { SottoError, UsageError } from "@sotto/protocol";
import type { FastifyInstance } from "fastify";

/**
 * Starts to accept connections. Returns the port.
 * @throws SottoError `address_in_use`, `config_invalid`.
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EADDRINUSE") {
      throw new SottoError("address_in_use", `another program listens on ${host}:${port} already`);
    }
    if (code === "EACCES") {
      throw new UsageError("config_invalid", `port: the system does not let this user listen on ${port}`);
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new UsageError("config_invalid", `host: ${host} is not an address of this machine`);
    }
    throw error;
  }
  return (app.server.address() as AddressInfo).port;
}

/** The origin under which this machine, or with a host of 0.0.0.0 or :: its neighbours, reach the server. */
export function reachableOrigin(scheme: "http" | "https", host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? lanAddress() : host;
  return new URL(`${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`).origin;
}

function lanAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}
