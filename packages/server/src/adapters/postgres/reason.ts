/** Tells people why a database cannot be used. */
import { DatabaseError } from "pg";

/** What the database said, or the system's name for what went wrong: neither holds a password. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : {};
  return cause instanceof DatabaseError ? cause.message : (code ?? message ?? "it does not answer");
}
