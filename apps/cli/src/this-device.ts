/** What a device says of itself when it joins an account: a name for its owner, and what runs on it. */
import { arch, hostname, type } from "node:os";
import manifest from "../package.json" with { type: "json" };
import { usageFailure } from "./errors.ts";

/** A device list holds no longer ones. */
const longestName = 64;

/** The name that was given, or the machine's. @throws Failure `usage` when it is longer than 64 characters, or blank. */
export function deviceName(given: string | undefined): string {
  if (given === undefined) return Array.from(hostname()).slice(0, longestName).join("");
  const name = given.trim();
  const length = Array.from(name).length;
  if (length > 0 && length <= longestName) return name;
  throw usageFailure(
    "a device's name has 1 to 64 characters",
    'give a short one, such as --name "Ann\'s laptop".',
  );
}

/** What runs here: "Linux x64, sotto 0.1.0". */
export const platform = (): string => `${type()} ${arch()}, sotto ${manifest.version}`;
