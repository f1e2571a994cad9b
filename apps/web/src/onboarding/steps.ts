/** The ways into the app, and what of them is remembered: nothing secret, and only as long as the tab lives. */

/** A way in. */
export type Path = "register" | "link" | "recover" | "restore" | "reset";

/** A screen of the first steps. */
export type StepName =
  | "welcome"
  | "mismatch"
  | "identifier"
  | "name"
  | "key-entry"
  | "backup"
  | "explain"
  | "passphrase"
  | "code"
  | "link"
  | "linked"
  | "recovered"
  | "restored"
  | "key"
  | "passkey"
  | "waiting";

/** The steps of each way, in order. */
export const STEPS: Readonly<Record<Path, readonly StepName[]>> = {
  register: ["identifier", "name", "passphrase", "code", "key", "passkey"],
  link: ["passphrase", "link", "linked", "passkey"],
  recover: ["identifier", "key-entry", "passphrase", "code", "recovered", "passkey"],
  restore: ["backup", "passphrase", "code", "restored", "passkey"],
  reset: ["explain", "identifier", "passphrase", "code", "key", "waiting"],
};

/** Steps that are left when the account is there: nobody goes back over them. */
export const AFTER: ReadonlySet<StepName> = new Set([
  "linked",
  "recovered",
  "restored",
  "key",
  "passkey",
  "waiting",
]);

/** What survives a reload. */
export interface Saved {
  readonly path: Path;
  readonly step: StepName;
  /** The server's fingerprint, as it was first seen. */
  readonly serverKey: string | undefined;
  /** An invite link brought it. */
  readonly invited: boolean;
  readonly kind: "phone" | "email";
  /** Two letters (ISO 3166-1). */
  readonly country: string | undefined;
  /** As it was typed. */
  readonly typed: string;
  /** E.164, or an e-mail address. */
  readonly identifier: string;
  /** What the person calls themselves; empty: nothing. */
  readonly name: string;
  /** The code that was last sent. Milliseconds since 1970. */
  readonly code:
    | {
        readonly to: string;
        readonly forExisting: boolean;
        readonly resendAtMs: number;
        readonly expiresAtMs: number;
      }
    | undefined;
}

const storageKey = "sotto.first-steps";

/** Nothing done yet. */
export const NOTHING: Saved = {
  path: "register",
  step: "welcome",
  serverKey: undefined,
  invited: false,
  kind: "phone",
  country: undefined,
  typed: "",
  identifier: "",
  name: "",
  code: undefined,
};

/** What was remembered. A step whose secret went with the reload is asked for again. */
export function recall(): Saved {
  let saved = NOTHING;
  try {
    saved = { ...NOTHING, ...(JSON.parse(sessionStorage.getItem(storageKey) ?? "{}") as Partial<Saved>) };
  } catch {
    // Nothing that can be read is nothing.
  }
  const { path, step } = saved;
  const steps = STEPS[path] ?? [];
  if (step === "welcome" || !steps.includes(step)) return { ...saved, step: "welcome" };
  const first = path === "recover" ? "key-entry" : path === "restore" ? "backup" : "passphrase";
  const secret = steps.indexOf(first);
  return steps.indexOf(step) > secret ? { ...saved, step: steps[secret] ?? "welcome" } : saved;
}

/** Remembers. */
export function remember(saved: Saved): void {
  sessionStorage.setItem(storageKey, JSON.stringify(saved));
}

/** Forgets: they are done. */
export function forget(): void {
  sessionStorage.removeItem(storageKey);
}

const resetKey = "sotto.reset";

/** When a reset that was begun here can be ended. Seconds since 1970. */
export interface ResetTimes {
  readonly resetAt: number;
  readonly lapsesAt: number;
}

/** Of the reset that waits in this browser, if one does. */
export function resetTimes(): ResetTimes | undefined {
  try {
    return (JSON.parse(localStorage.getItem(resetKey) ?? "null") as ResetTimes | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remembers it, or forgets it. */
export function setResetTimes(times: ResetTimes | undefined): void {
  if (times === undefined) localStorage.removeItem(resetKey);
  else localStorage.setItem(resetKey, JSON.stringify({ resetAt: times.resetAt, lapsesAt: times.lapsesAt }));
}
