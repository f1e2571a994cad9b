/**
 * Reads `postgres://user:password@host:port/database?sslmode=…` into what the driver needs. Messages never hold any of it, since the
 * password is among it.
 *
 * `sslmode` means what it means to psql, but there is no silent way down: beyond this machine the default is `verify-full`,
 * and whoever trusts the network says `disable`.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { ConnectionOptions } from "node:tls";
import { UsageError } from "@sotto/protocol";

/** How a database is reached. */
export interface DatabaseAddress {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** undefined: PGPASSWORD, or the file ~/.pgpass. */
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: ConnectionOptions | false;
}

const known = new Set(["host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"]);
const nearby = new Set(["localhost", "127.0.0.1", "::1"]);

/** Whether a text is such a URL, its files not looked at. */
export function isDatabaseUrl(url: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(withHost(url));
}

/** @throws UsageError `config_invalid`. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (!isDatabaseUrl(text)) throw invalid("must be postgres://USER@HOST:PORT/NAME");
  const url = new URL(withHost(text));
  const unknown = [...url.searchParams.keys()].find((key) => !known.has(key));
  if (unknown !== undefined) throw invalid(`does not know ${unknown}`);
  const part = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const host = part("host") ?? (decode(url.hostname.replace(/^\[(.*)\]$/, "$1")) || "localhost");
  const user = decode(url.username) || process.env["PGUSER"] || userInfo().username;
  const port = Number(part("port") ?? (url.port === "" ? 5432 : url.port));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid("has no good port");
  return {
    host,
    port,
    user,
    password: url.password === "" ? undefined : decode(url.password),
    database: decode(url.pathname.slice(1)) || user,
    ssl: readSsl(host, part),
  };
}

/** `postgres://user@/name?host=/run/postgresql` is how PostgreSQL writes sockets, and no URL to anybody else. */
const withHost = (url: string): string => url.replace(/^(\w+:\/\/[^/?#]*@)\//, "$1localhost/");

/** Where a database is, for people: without user, password and files. */
export function describeDatabase(url: string): string {
  const { host, port, database } = parseDatabaseUrl(url);
  return host.startsWith("/")
    ? `postgres:///${database}?host=${host}`
    : `postgres://${host}:${port}/${database}`;
}

function readSsl(host: string, part: (name: string) => string | undefined): ConnectionOptions | false {
  const isNear = host.startsWith("/") || nearby.has(host);
  const mode = part("sslmode") ?? (isNear ? "disable" : "verify-full");
  if (mode === "disable") return false;
  if (!["require", "verify-ca", "verify-full"].includes(mode)) {
    throw invalid("takes sslmode disable, require, verify-ca or verify-full");
  }
  if (host.startsWith("/")) throw invalid("has no TLS over a socket: leave sslmode out");
  const file = (name: string): string | undefined => {
    const path = part(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw invalid(`names a file in ${name} that cannot be read`, cause);
    }
  };
  const pair = { cert: file("sslcert"), key: file("sslkey") };
  const ca = file("sslrootcert");
  if (mode === "verify-full") return { ...pair, ca };
  if (mode === "verify-ca") return { ...pair, ca, checkServerIdentity: () => undefined };
  return { ...pair, rejectUnauthorized: false };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid("is not encoded as URLs are", cause);
  }
}

function invalid(why: string, cause?: unknown): UsageError {
  return new UsageError("config_invalid", `database: the URL ${why}`, { cause });
}
