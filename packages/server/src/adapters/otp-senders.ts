/** Makes the senders that `--otp` names. */
import type { OtpSender } from "../core/otp-sender.ts";
import { consoleSender, fileSender } from "./otp-local.ts";

/** What senders need beside their URLs. */
export interface SenderOptions {
  /** Sender of e-mails. */
  readonly from: string;
  /** Sent to the webhook as a bearer token. */
  readonly webhookToken: string | undefined;
  /** Writes one line to standard output. */
  readonly print: (line: string) => void;
}

/** Senders in the order of `ways`, which the configuration has checked. */
export function createSenders(ways: readonly string[], options: SenderOptions): OtpSender[] {
  return ways.map((way) => {
    if (way === "console") return consoleSender(options.print);
    return fileSender(way.slice("file:".length));
  });
}
