/** What every command needs: streams, the folder of the account, the form of the output, and the signal that ends it. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { SottoError } from "@sotto/protocol";
import type { Io } from "./io/io.ts";

/** What run() hands to the commands. */
export interface Globals {
  readonly io: Io;
  /** Aborted with Interrupted as its reason when the person or the system ends the command. */
  readonly signal: AbortSignal;
}

/** The surroundings of one command. */
export interface Context extends Globals {
  /** Absolute path of the account's folder. */
  readonly home: string;
  readonly json: boolean;
}

const globals = new WeakMap<Command, Globals>();

/** Ties a command to its surroundings; run() does it for all. */
export function setGlobals(command: Command, value: Globals): void {
  globals.set(command, value);
}

/** The surroundings of a command whose arguments are parsed. */
export function contextOf(command: Command): Context {
  const found = globals.get(command);
  if (found === undefined) throw new Error(`the command ${command.name()} was not started by run()`);
  const options = command.optsWithGlobals<{ home?: string; json?: boolean }>();
  const home = options.home ?? found.io.env["SOTTO_HOME"];
  return {
    ...found,
    home: home === undefined || home === "" ? join(homedir(), ".sotto") : resolve(home),
    json: options.json === true,
  };
}

/** Refuses a folder with an account before anything is asked. @throws SottoError `vault_exists`. */
export function requireFreshHome({ home }: Context): void {
  if (existsSync(join(home, "vault.key")))
    throw new SottoError("vault_exists", "there is an account already");
}
