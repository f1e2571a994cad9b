/**
 * Delivery by e-mail over SMTP, by nodemailer.
 *
 * smtp://[user:password@]host[:port][?starttls=required|auto|off][&ca=FILE], or smtps:// for TLS from the first byte.
 * STARTTLS is required as soon as there is a password; certificates are always checked, against the system's authorities
 * or those in FILE.
 */
import { readFileSync } from "node:fs";
import { UsageError } from "@sotto/protocol";
import { createTransport } from "nodemailer";
import type { OtpSender } from "../core/otp-sender.ts";
import { codeMail } from "./otp-text.ts";
import { DELIVERY_PAUSES_MS, FinalFailure, retrying } from "./retry.ts";

/** How mails are sent. */
export interface SmtpOptions {
  readonly url: string;
  /** Address of the sender. */
  readonly from: string;
  /** Of the server, for the text of the mail. */
  readonly serverName: string;
  readonly pausesMs?: readonly number[];
}

const startTlsModes = ["required", "auto", "off"] as const;
const timeoutMs = 20_000;

/**
 * A sender for e-mail addresses.
 * @throws UsageError `config_invalid` for options in the URL that are not known.
 */
export function smtpSender({ url, from, serverName, pausesMs = DELIVERY_PAUSES_MS }: SmtpOptions): OtpSender {
  const transport = createTransport({ ...connectionOf(new URL(url)), pool: true, maxConnections: 4 });
  const closed = new AbortController();
  return {
    channel: "smtp",
    kinds: ["email"],
    immediate: false,
    async send(identifier, code) {
      const mail = {
        from,
        to: identifier,
        subject: "Your Sotto code",
        text: codeMail(serverName, code),
        // RFC 3834: nobody's holiday notice should answer this.
        headers: { "auto-submitted": "auto-generated" },
      };
      await retrying(() => attempt(() => transport.sendMail(mail)), pausesMs, closed.signal);
    },
    close() {
      closed.abort();
      transport.close();
    },
  };
}

/** What the server refuses with 5xx it will refuse again (RFC 5321 §4.2.1), and a wrong password stays wrong. */
async function attempt(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (cause) {
    const { responseCode = 0, code } = cause as { responseCode?: number; code?: string };
    if (responseCode >= 500 || code === "EAUTH") throw new FinalFailure("the mail was refused", { cause });
    throw cause;
  }
}

function connectionOf(url: URL) {
  const { starttls, ca, ...unknown } = Object.fromEntries(url.searchParams);
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw invalid(`${name} is not an option of smtp`);
  const mode = starttls ?? (url.username === "" ? "auto" : "required");
  if (!startTlsModes.some((known) => known === mode)) throw invalid("starttls must be required, auto or off");
  const secure = url.protocol === "smtps:";
  return {
    host: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: mode === "required",
    ignoreTLS: mode === "off",
    ...(url.username !== "" && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    ...(ca !== undefined && { tls: { ca: readCa(ca) } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  };
}

function readCa(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid("the file that ca names cannot be read", cause);
  }
}

function invalid(why: string, cause?: unknown): UsageError {
  return new UsageError("config_invalid", `otp: ${why}`, { cause });
}
