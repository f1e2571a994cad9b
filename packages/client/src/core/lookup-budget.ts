/**
 * How often the directory is asked on behalf of whom. The server limits lookups per account; what strangers write must not use up what
 * the person's own sending needs. So lookups for messages that came in have a share of their own, smaller than the server's limit.
 */

/** For whom a lookup is: for what the person does, for a message of a contact, or for one of somebody unknown. */
export type Purpose = "own" | "contact" | "stranger";
/** What a lookup asks by. The server counts the two apart. */
export type SubjectKind = "identifier" | "account";

interface Share {
  readonly burst: number;
  readonly perHour: number;
}

// The server's defaults are 200 at once and 400 an hour by identifier, 2,000 and 6,000 by account: a part of each stays for the person, and
// a group of 1,000 people can be joined.
const shares: Record<Exclude<Purpose, "own">, Record<SubjectKind, Share>> = {
  contact: { identifier: { burst: 60, perHour: 120 }, account: { burst: 1_200, perHour: 2_400 } },
  stranger: { identifier: { burst: 20, perHour: 120 }, account: { burst: 200, perHour: 1_200 } },
};

const hourMs = 3_600_000;
/** An account's claims to an identifier are looked up once in as long. */
const claimPauseMs = hourMs;
const mostClaims = 10_000;

/** What was used, in memory only. */
export interface LookupBudget {
  readonly used: Map<string, { tokens: number; atMs: number }>;
  /** When an account's claim was last answered, the oldest first. */
  readonly claims: Map<string, number>;
}

/** Nothing used. */
export const newBudget = (): LookupBudget => ({ used: new Map(), claims: new Map() });

/** Takes one lookup; returns 0, or the milliseconds until there is one. */
export function takeLookup(budget: LookupBudget, purpose: Purpose, kind: SubjectKind, nowMs: number): number {
  if (purpose === "own") return 0;
  const { burst, perHour } = shares[purpose][kind];
  const key = `${purpose} ${kind}`;
  const before = budget.used.get(key) ?? { tokens: burst, atMs: nowMs };
  // A clock that was set back gives nothing, and takes nothing.
  const gained = (Math.max(0, nowMs - before.atMs) / hourMs) * perHour;
  const tokens = Math.min(burst, before.tokens + gained);
  const enough = tokens >= 1;
  budget.used.set(key, { tokens: enough ? tokens - 1 : tokens, atMs: nowMs });
  return enough ? 0 : Math.ceil(((1 - tokens) / perHour) * hourMs);
}

/** Whether a claim of that account may be looked up, since none was lately. */
export function mayAskClaim(budget: LookupBudget, account: string, nowMs: number): boolean {
  const age = nowMs - (budget.claims.get(account) ?? -Infinity);
  return age < 0 || age >= claimPauseMs;
}

/** Takes in that a claim of that account was answered. */
export function noteClaimAnswered(budget: LookupBudget, account: string, nowMs: number): void {
  budget.claims.delete(account);
  budget.claims.set(account, nowMs);
  if (budget.claims.size > mostClaims) budget.claims.delete(budget.claims.keys().next().value as string);
}
