/** Certificate and key for HTTPS: read and tried before anything starts, and taken anew when the files change. */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { UsageError } from "@sotto/protocol";

/** PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** The part of a configuration that names the files. */
export interface TlsFiles {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/**
 * undefined when the configuration names none.
 * @throws UsageError `config_invalid`.
 */
export function readTls(config: TlsFiles): TlsPair | undefined {
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

/** What a certificate needs that is replaced while the server runs. */
export interface LiveTlsOptions {
  readonly files: TlsFiles;
  /** What was read from them at the start. */
  readonly pair: TlsPair;
  /** Takes a new pair for the connections from now on. */
  readonly use: (pair: TlsPair) => void;
  readonly events: {
    certificateLoaded(): void;
    /** The files hold no pair: the old one goes on. */
    certificateRefused(error: unknown): void;
  };
  /** How often the files are looked at. */
  readonly intervalMs?: number;
}

const defaultIntervalMs = 10_000;

/**
 * The certificate in use. Certificate and key are written one after the other: a change is taken when the files have been the same at two
 * looks, so that half of a change is not taken for a bad one.
 */
export class LiveTls {
  readonly #options: LiveTlsOptions;
  readonly #timer: NodeJS.Timeout;
  #pair: TlsPair;
  #endsAtMs: number;
  /** How the files were when they were last read, and at the last look. */
  #read: string;
  #seen: string;

  constructor(options: LiveTlsOptions) {
    this.#options = options;
    this.#pair = options.pair;
    this.#endsAtMs = endOf(options.pair);
    this.#read = this.#seen = this.#state();
    this.#timer = setInterval(() => this.#look(), options.intervalMs ?? defaultIntervalMs).unref();
  }

  /** Milliseconds since 1970 at which the certificate ends. */
  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  /** Reads the files now. Tells, and keeps what it has, when they hold no pair. */
  reload(): void {
    const { files, use, events } = this.#options;
    this.#read = this.#seen = this.#state();
    try {
      const pair = readTls(files) as TlsPair;
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      const endsAtMs = endOf(pair);
      use(pair);
      this.#pair = pair;
      this.#endsAtMs = endsAtMs;
      events.certificateLoaded();
    } catch (error) {
      events.certificateRefused(error);
    }
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const before = this.#seen;
    this.#seen = this.#state();
    if (this.#seen !== this.#read && this.#seen === before) this.reload();
  }

  /** Tells one state of the files from another; links are followed, since certbot and Kubernetes swap those. */
  #state(): string {
    const { tlsCert, tlsKey } = this.#options.files;
    return [tlsCert, tlsKey]
      .map((path) => {
        const stat = statSync(path ?? "", { throwIfNoEntry: false });
        return stat === undefined ? "none" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
      })
      .join(", ");
  }
}

const endOf = ({ cert }: TlsPair): number => Date.parse(new X509Certificate(cert).validTo);

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError("config_invalid", `${key}: ${path} cannot be read`, { cause });
  }
}
