/**
 * The storage port for what lives for minutes: codes, tickets, links that wait. It may be lost at any time, and people begin
 * again. One process keeps it in memory; the nodes of one server keep it where all of them find it.
 */

/** What is kept. Each kind has ids of its own. */
export type TransientKind =
  /** One-time passwords, by the identifier's hash. */
  | "code"
  /** Requests for a code that were answered, by their id. */
  | "request"
  /** Offers of new devices, by the link's id. */
  | "link"
  | "link-answer"
  /** Whose recovery ticket it is, by the ticket's hash. */
  | "recovery-ticket"
  /** The hash of the newest recovery ticket, by account. */
  | "recovery-account"
  /** For how large a blob it is, by the ticket's hash. */
  | "blob-ticket";

/** The port. What expired is not there. Ids have 16 to 32 bytes. All reject with StorageError `unavailable`. */
export interface TransientStore {
  read(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined>;
  /** Keeps a value in the place of whatever there is. @param expiresAtMs milliseconds since 1970. */
  put(kind: TransientKind, id: Uint8Array, value: Uint8Array, expiresAtMs: number): Promise<void>;
  /**
   * Keeps a value in the place of exactly `before`, of nothing where that is undefined.
   * `full`: there is no room, and the kind does not make any by forgetting the oldest.
   */
  swap(
    kind: TransientKind,
    id: Uint8Array,
    before: Uint8Array | undefined,
    after: Uint8Array,
    expiresAtMs: number,
  ): Promise<"done" | "differs" | "full">;
  /** Reads a value and forgets it: of two that take at once, one gets it. */
  take(kind: TransientKind, id: Uint8Array): Promise<Uint8Array | undefined>;
}
