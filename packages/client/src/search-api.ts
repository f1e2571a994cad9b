/** The surface of the SDK for searching in the history. */
import type { Message } from "./api.ts";

/** What to look for beside the words. Filters that are left out filter nothing. */
export interface SearchOptions {
  /** Only in this conversation: a peer, or a group's name or id. */
  readonly in?: string;
  /** Only what this person sent: an identifier or account id; one's own: what oneself sent. */
  readonly from?: string;
  /** Only what was sent at that time or later, in seconds since 1970-01-01 UTC, as its sender says. */
  readonly since?: number;
  /** Only what was sent before that time. */
  readonly until?: number;
  /** Only messages with attachments. */
  readonly attachments?: boolean;
  /** Most hits of the page; 20 if absent. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** A message that was found. */
export interface SearchHit {
  readonly message: Message;
  /** The part of its text, or of a file's name, that has the words; in one line. */
  readonly snippet: string;
  /** Where they stand in it: from, to, in UTF-16 code units. */
  readonly highlights: readonly (readonly [number, number])[];
}

/** A page of what was found, the newest first. */
export interface SearchPage {
  readonly hits: readonly SearchHit[];
  /** For `after`; absent: there is no more. */
  readonly next?: string;
  /** building: this device is making its index, and finds little until then. damaged: it cannot, since a message of the vault does not open. */
  readonly index: "ready" | "building" | "damaged";
}
