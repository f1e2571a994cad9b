/**
 * What the registration, the directory and the blobs tell the operator. One function per thing that happens; no argument holds user
 * data: no identifier, code, id or address.
 */

/** What happens to blobs. */
export interface BlobEvents {
  /** So many bytes of a blob are durable; `whole`: they were its last. */
  blobReceived(bytes: number, whole: boolean): void;
  blobSent(bytes: number): void;
  blobRefused(code: string): void;
}

/** Outcomes are "ok" or an error code. */
export interface FrontEvents {
  codeRequested(outcome: string): void;
  codeDelivered(channel: string, tookMs: number): void;
  codeDeliveryFailed(channel: string, error: unknown): void;
  registered(outcome: string): void;
  lookupAnswered(subject: "identifier" | "account", outcome: string): void;
  listPublished(outcome: string): void;
  /** KeyPackages that were handed out: used up, and last resorts. */
  keyPackagesClaimed(oneTime: number, lastResorts: number): void;
  linkUsed(step: "open" | "fetch" | "answer", outcome: string): void;
  accountDeleted(outcome: string): void;
  recoveryUsed(step: "put" | "recover" | "finish" | "reset" | "cancel", outcome: string): void;
}
