/** The commit that a measurement was taken at. */
import { execFileSync } from "node:child_process";

/** Its short id; "unknown" outside of a checkout. */
export function checkedOutCommit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
