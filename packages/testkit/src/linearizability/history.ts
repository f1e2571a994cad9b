/**
 * What was done to one log, and what was seen of it: the history that is checked. All times are of one monotonic clock, in milliseconds,
 * of the process that made every call. An operation took effect, if it did, at one moment between its call and its return.
 */

/** As the server tells them apart. */
export type StoredKind = "message" | "commit";

/** What became of an append. */
export type AppendOutcome =
  /** Acknowledged under a seq. */
  | { readonly type: "stored"; readonly seq: number; readonly atMs: number }
  /** Refused: a Commit had ended the epoch, and another epoch was the present one. */
  | { readonly type: "ended"; readonly winnerSeq: number; readonly current: number; readonly atMs: number }
  /** Refused for good. */
  | { readonly type: "refused"; readonly atMs: number }
  /** No answer came, or one that leaves it open: it may be stored, at any time from the call on. */
  | { readonly type: "unknown" };

/** One append. What is sent again, because nobody answered, is another one, with an id of its own. */
export interface AppendCall {
  /** Within the log; it can be read from what is stored. */
  readonly id: string;
  readonly kind: StoredKind;
  readonly epoch: number;
  readonly callMs: number;
  readonly outcome: AppendOutcome;
}

/** A look at the log's newest seq, and at the present epoch. */
export interface Look {
  readonly head: number;
  readonly epoch: number;
  readonly callMs: number;
  readonly atMs: number;
}

/** An entry, as it was read. */
export interface ReadEntry {
  readonly seq: number;
  readonly id: string;
  readonly kind: StoredKind;
  readonly epoch: number;
}

/** An entry that a follower was given. */
export interface GivenEntry extends ReadEntry {
  readonly atMs: number;
}

/** All that is known of one log. */
export interface LogHistory {
  /** The newest seq, and the epoch, when the history began. */
  readonly first: { readonly seq: number; readonly epoch: number };
  readonly appends: readonly AppendCall[];
  readonly looks: readonly Look[];
  /** What followers were given: one list for each time that somebody began to read, in the order in which it came. */
  readonly given: readonly (readonly GivenEntry[])[];
  /** What the log holds in the end, in its order, from after `first.seq` on. */
  readonly entries: readonly ReadEntry[];
}

/** What can be wrong with a history. */
export type FaultKind =
  /** An acknowledged append, or what a follower was given, is not there, or under another seq. */
  | "lost"
  /** One append is stored twice. */
  | "doubled"
  /** Something is stored that nobody appended, or that was refused. */
  | "invented"
  /** The seqs of what is stored, or of what one follower was given, do not follow each other. */
  | "gap"
  /** Two Commits ended one epoch. */
  | "two winners"
  /** An entry of an epoch that is not the present one. */
  | "wrong epoch"
  /** A refusal that names a winner which is none. */
  | "wrong winner"
  /** An append came before another that was acknowledged before it was begun. */
  | "reordered"
  /** A look, a refusal or a follower saw less than was there, or more. */
  | "went back";

/** One thing that is wrong. */
export interface Fault {
  readonly kind: FaultKind;
  readonly text: string;
}
