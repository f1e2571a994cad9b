/** Where the data is that an admin command is about: options, environment and configuration file as of `sotto serve`. */
import type { Command } from "commander";
import { loadConfig, type ServerConfig } from "@sotto/server";
import { configSources } from "./config-sources.ts";

/** For commands that look at the folder alone. */
export const withData = (command: Command): Command =>
  command
    .option("--data <dir>", "data folder (SOTTO_DATA; default ./sotto-data)")
    .option("--config <file>", "the server's configuration file (SOTTO_CONFIG)");

/** For those that look at the database as well. */
export const withDatabase = (command: Command): Command =>
  withData(command).option(
    "--database <url>",
    "postgres://…, when the server's database is there (SOTTO_DATABASE; with a password better so)",
  );

/** The configuration as `sotto serve` would see it in this environment. */
export function configOf(command: Command): ServerConfig {
  const { data, database, origin } = command.opts<Record<string, string | undefined>>();
  return loadConfig({ flags: { data, database, origin }, ...configSources(command) });
}
