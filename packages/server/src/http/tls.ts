/** Certificate and key for HTTPS, read and tried before anything starts. */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { UsageError } from "@sotto/protocol";

/** PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * undefined when the configuration names none.
 * @throws UsageError `config_invalid`.
 */
export function readTls(config: {
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
}): TlsPair | undefined {
  const { tlsCert, tlsKey } = config;
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const tls = { cert: readPem("tlsCert", tlsCert), key: readPem("tlsKey", tlsKey) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new UsageError("config_invalid", "tlsKey: certificate and key are not PEM, or no pair", { cause });
  }
  return tls;
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError("config_invalid", `${key}: ${path} cannot be read`, { cause });
  }
}
