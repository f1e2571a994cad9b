/**
 * The server's configuration: one schema for flags, environment and file, checked before anything else happens.
 * Flags win over the environment, the environment over the file, and all over the defaults.
 *
 * The environment variable of `maxUsers` is SOTTO_MAX_USERS, its flag --max-users; lists are separated by white space in
 * the environment. SOTTO_MAX_USERS_FILE names a file that holds the same, as container engines and systemd hand out secrets.
 * Messages name the key and where it came from, never its value: values may hold passwords.
 */
import { readFileSync } from "node:fs";
import { UsageError } from "@sotto/protocol";
import * as z from "zod";
import { isDatabaseUrl } from "./adapters/postgres/database-url.ts";
import { limitsSchema } from "./config-limits.ts";
import { flag, list, natural, text } from "./config-types.ts";

const schema = z.strictObject({
  /** The data folder; made on first start. */
  data: text().default("./sotto-data"),
  /** A PostgreSQL database in the place of the one in the data folder, which still holds the keys and the blobs. */
  database: text().refine(isDatabaseUrl, "must be postgres://USER@HOST:PORT/NAME").optional(),
  /** Address to listen on; 0.0.0.0 or :: for all. */
  host: text().default("127.0.0.1"),
  /** 0 lets the system choose. */
  port: natural(0, 65_535).default(8787),
  /** How clients reach the server, for the invite link: behind a proxy or a router it cannot know. */
  origin: text()
    .refine(isOrigin, "must be an origin such as https://chat.example.org")
    .transform((origin) => new URL(origin).origin)
    .optional(),
  /** PEM files; both or none. */
  tlsCert: text().optional(),
  tlsKey: text().optional(),
  /** Ways to deliver one-time passwords; the first that serves the kind of identifier is taken. */
  otp: list(text().refine(isOtp, "must be console, file:PATH, smtp://…, smtps://…, http://… or https://…"))
    .refine((ways) => ways.length > 0, "must name at least one way")
    .default(["console"]),
  /** Sender of e-mails; by default sotto@ the server's host. */
  otpFrom: text().optional(),
  /** Sent to the webhook as `Authorization: Bearer …`. */
  otpWebhookToken: text().optional(),
  /** Least time between two one-time passwords for one identifier. */
  resendAfterSec: natural(0, 3_600).default(30),
  /** How long the devices of an account can object to its reset. */
  resetDelaySec: natural(0, 31_536_000).default(259_200),
  /** Addresses of a NATS (of each member of its cluster), by which nodes of one database wake each other. */
  nats: list(text().refine(isNats, "must be nats://… or tls://…")).default([]),
  /** Begins every subject there, so that several servers can share it. */
  natsPrefix: text()
    .regex(/^[\w-]+$/, "must be letters, digits, _ and -")
    .default("sotto"),
  maxUsers: natural(1, Number.MAX_SAFE_INTEGER).optional(),
  /** Most connections of this node at a time: one that is idle keeps about 8 KiB. */
  maxConnections: natural(1, 10_000_000).default(50_000),
  /** How long entries that nobody fetches are kept. */
  retentionDays: natural(1, 3_650).default(90),
  /** Largest blob (an attachment, encrypted) in MiB; 0 takes none. */
  maxBlobMib: natural(0, 1_048_576).default(100),
  /** Most MiB of all blobs together. */
  blobQuotaMib: natural(0, 1_073_741_824).default(10_240),
  /** How long blobs are kept. */
  blobRetentionDays: natural(1, 3_650).default(90),
  /** Folder of the web app's files, as its build makes them. */
  web: text().optional(),
  /** Whether devices that are not connected are woken by the push services of their browsers. */
  push: flag().default(true),
  /** Whom push services may write to about this server: an https or mailto URL. By default the origin. */
  pushContact: text()
    .refine((contact) => /^(?:mailto:.+@|https:\/\/)/.test(contact), "must be a mailto: or https: URL")
    .optional(),
  /** For tests: push services may be reached by plain HTTP, and inside of this network. */
  pushAnywhere: flag().default(false),
  /** Whether clients may use the classic suite. */
  classic: flag().default(true),
  /** Addresses or networks (CIDR) of reverse proxies whose X-Forwarded-For is believed; `loopback` for this machine. */
  trustedProxies: list(text()).default([]),
  /** Lets `Authorization: Bearer …` read /metrics from anywhere; without it only this machine may. */
  metricsToken: text().min(16, "must have at least 16 characters").optional(),
  /** Where an OpenTelemetry collector takes traces, OTLP over HTTP; its origin is enough. */
  otel: text()
    .refine((url) => /^https?:\/\//.test(url) && URL.canParse(url), "must be an http or https URL")
    .optional(),
  logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).default("info"),
  limits: limitsSchema,
});

/** A checked configuration. */
export type ServerConfig = z.output<typeof schema>;
/** What may be given: every key is optional, numbers and lists may be text. */
export type ServerConfigInput = z.input<typeof schema>;
type Key = keyof ServerConfigInput;

/** Where the keys of a configuration come from. */
export interface ConfigSources {
  readonly flags?: Readonly<Partial<Record<Key, unknown>>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file. */
  readonly file?: string | undefined;
  /** What holds when nobody says otherwise. */
  readonly defaults?: ServerConfigInput;
}

/** The environment variable of a key. */
export const envName = (key: string): string => `SOTTO_${key.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`;
const flagName = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/**
 * Reads and checks a configuration.
 * @throws UsageError `config_invalid`, naming the key.
 */
export function loadConfig(sources: ConfigSources): ServerConfig {
  const given: Partial<Record<string, unknown>> = {};
  const origins = new Map<string, string>();
  const take = (key: string, value: unknown, origin: string): void => {
    if (value === undefined) return;
    given[key] = value;
    origins.set(key, origin);
  };
  const { file, env = {}, flags = {}, defaults = {} } = sources;
  for (const [key, value] of Object.entries(defaults)) take(key, value, "by default");
  if (file !== undefined) {
    for (const [key, value] of Object.entries(readConfigFile(file))) take(key, value, `in ${file}`);
  }
  for (const key of Object.keys(schema.shape)) {
    const { value, name } = fromEnvironment(env, key);
    if (value !== "") take(key, value, `from ${name}`);
  }
  for (const [key, value] of Object.entries(flags)) take(key, value, `from ${flagName(key)}`);
  return checkConfig(given, origins);
}

/**
 * Checks a configuration given in code.
 * @throws UsageError `config_invalid`, naming the key.
 */
export function checkConfig(
  input: Readonly<Record<string, unknown>>,
  origins: ReadonlyMap<string, string> = new Map(),
): ServerConfig {
  const result = schema.safeParse(input);
  if (!result.success) {
    const [issue] = result.error.issues;
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].map(String);
    const origin = origins.get(path[0] ?? "");
    throw invalid(path.join("."), origin, unknown === undefined ? issue?.message : "is not a known key");
  }
  const config = result.data;
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw invalid(
      config.tlsCert === undefined ? "tlsCert" : "tlsKey",
      undefined,
      "is missing: give both or none",
    );
  }
  if (config.nats.length > 0 && config.database === undefined) {
    throw invalid("nats", origins.get("nats"), "is for the nodes of one database: give that as well");
  }
  return config;
}

/** What the environment says of a key, itself or by a file; empty when it says nothing. @throws UsageError `config_invalid`. */
function fromEnvironment(
  env: NonNullable<ConfigSources["env"]>,
  key: string,
): { readonly value: string; readonly name: string } {
  const name = envName(key);
  const nameOfFile = `${name}_FILE`;
  const value = env[name] ?? "";
  const path = env[nameOfFile] ?? "";
  if (path === "") return { value, name };
  if (value !== "") throw invalid(key, nameOfFile, `${name} is set as well: give one of them`);
  let content: string;
  try {
    content = readFileSync(path, "utf8").trimEnd();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError("config_invalid", `${key} (${nameOfFile}): the file cannot be read (${code})`, {
      cause,
    });
  }
  // Taking the default in the place of a secret that is missing would be a surprise.
  if (content === "") throw invalid(key, nameOfFile, "the file is empty");
  return { value: content, name: nameOfFile };
}

function readConfigFile(path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError("config_invalid", `config: ${path} cannot be read as JSON`, { cause });
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new UsageError("config_invalid", `config: ${path} must hold one JSON object`);
  }
  return content as Record<string, unknown>;
}

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const bare = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  return ["http:", "https:"].includes(url.protocol) && bare;
}

function isNats(value: string): boolean {
  return /^(?:nats|tls):\/\//.test(value) && URL.canParse(value);
}

function isOtp(value: string): boolean {
  if (value === "console") return true;
  if (value.startsWith("file:")) return value.length > "file:".length;
  return /^(?:smtps?|https?):\/\//.test(value) && URL.canParse(value);
}

function invalid(key: string, origin: string | undefined, message = "is invalid"): UsageError {
  return new UsageError("config_invalid", `${key}${origin === undefined ? "" : ` (${origin})`}: ${message}`);
}
