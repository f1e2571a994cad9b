/**
 * What an account decides about a conversation, field by field, each with the time of its decision: so devices that decide at the same
 * moment come to the same in whichever order they hear of it. The later decision counts; of two at one time the greater. Pure.
 */

/** What can be decided. */
export interface Decisions {
  readonly pinned: boolean;
  readonly archived: boolean;
  readonly markedUnread: boolean;
  /** Seconds since 1970-01-01 UTC; 0: not muted. */
  readonly mutedUntil: number;
  /** Whoever is at the other end, or let us into the group, is to reach us. Never taken back but by leaving a group. */
  readonly accepted: boolean;
  /** Only of contacts: nothing that they send is to reach us. */
  readonly blocked: boolean;
  /** Only of contacts: what they are called here; empty: nothing. */
  readonly nickname: string;
}

/** A value with the time of its decision. */
interface Decision<T> {
  readonly value: T;
  readonly atMs: number;
}

/** The decisions that were made. */
export type Decided = { readonly [Field in keyof Decisions]?: Decision<Decisions[Field]> };

/** What holds while nothing is decided. */
const undecided: Decisions = {
  pinned: false,
  archived: false,
  markedUnread: false,
  mutedUntil: 0,
  accepted: false,
  blocked: false,
  nickname: "",
};

/** What holds now. */
export function standing(decided: Decided | undefined): Decisions {
  const held = Object.entries(decided ?? {}).map(([field, { value }]) => [field, value]);
  return { ...undecided, ...Object.fromEntries(held) };
}

/** The decisions that these changes come to, without those that change nothing. Each is later than the one before it. */
export function decide(before: Decided | undefined, changes: Partial<Decisions>, nowMs: number): Decided {
  const present: Record<string, unknown> = { ...standing(before) };
  const fresh = Object.entries(changes).filter(([field, value]) => present[field] !== value);
  return Object.fromEntries(
    fresh.map(([field, value]) => {
      const last = before?.[field as keyof Decisions]?.atMs ?? 0;
      return [field, { value, atMs: Math.max(Math.floor(nowMs), last + 1) }];
    }),
  );
}

/** Of two sets of decisions, the one that counts in each field. */
export function merge(one: Decided | undefined, other: Decided | undefined): Decided {
  const merged: Record<string, Decision<unknown>> = { ...one };
  for (const [field, decision] of Object.entries(other ?? {})) {
    const before = merged[field];
    if (before === undefined || isLater(decision, before)) merged[field] = decision;
  }
  return merged;
}

function isLater(one: Decision<unknown>, other: Decision<unknown>): boolean {
  if (one.atMs !== other.atMs) return one.atMs > other.atMs;
  return (one.value as string) > (other.value as string);
}
