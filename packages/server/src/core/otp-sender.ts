/**
 * The port through which one-time passwords reach people, and the rule which of several ways is taken.
 */
import { UsageError, identifierKind, type Identifier } from "@sotto/protocol";

/** One way of delivery. */
export interface OtpSender {
  /** For logs and metrics: "console", "file", "smtp", "webhook". */
  readonly channel: string;
  readonly kinds: readonly ("phone" | "email")[];
  /**
   * Whether it ends on this machine at once. Then the answer waits for it, so that whoever got the answer finds the code;
   * otherwise the answer does not wait.
   */
  readonly immediate: boolean;
  /** Resolves when the next station took the code. Retries by itself. @throws any error when it gave up. */
  send(identifier: Identifier, code: string): Promise<void>;
  /** Frees what it holds. */
  close(): void;
}

/**
 * The first sender that serves the identifier's kind.
 * @throws UsageError `code_delivery_failed` when there is none.
 */
export function chooseSender(senders: readonly OtpSender[], identifier: Identifier): OtpSender {
  const kind = identifierKind(identifier);
  const sender = senders.find((candidate) => candidate.kinds.includes(kind));
  if (sender !== undefined) return sender;
  throw new UsageError(
    "code_delivery_failed",
    kind === "phone"
      ? "this server sends codes to e-mail addresses only"
      : "this server sends codes to phone numbers only",
  );
}
