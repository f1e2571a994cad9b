/** Makes the senders that `--otp` names. */
import type { OtpSender } from "../core/otp-sender.ts";
import { consoleSender, fileSender } from "./otp-local.ts";
import { smtpSender } from "./otp-smtp.ts";
import { webhookSender } from "./otp-webhook.ts";

/** What senders need beside their URLs. */
export interface SenderOptions {
  /** Of the server, for the text of messages. */
  readonly serverName: string;
  /** Sender of e-mails. */
  readonly from: string;
  /** Sent to the webhook as a bearer token. */
  readonly webhookToken: string | undefined;
  /** Writes one line to standard output. */
  readonly print: (line: string) => void;
}

/**
 * Senders in the order of `ways`, which the configuration has checked.
 * @throws UsageError `config_invalid` for options of a way that are not known.
 */
export function createSenders(ways: readonly string[], options: SenderOptions): OtpSender[] {
  return ways.map((way) => createSender(way, options));
}

function createSender(way: string, { serverName, from, webhookToken, print }: SenderOptions): OtpSender {
  if (way === "console") return consoleSender(print);
  if (way.startsWith("file:")) return fileSender(way.slice("file:".length));
  if (/^smtps?:/.test(way)) return smtpSender({ url: way, from, serverName });
  return webhookSender({ url: way, token: webhookToken, serverName });
}
