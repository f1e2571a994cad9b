/** Where a command that is about a server finds what is configured beside its own options. */
import type { Command } from "commander";
import type { ConfigSources } from "@sotto/server";
import { contextOf } from "./context.ts";

/** The environment, and the file that --config or SOTTO_CONFIG names. */
export function configSources(command: Command): Pick<ConfigSources, "env" | "file"> {
  const { env } = contextOf(command).io;
  const { config } = command.opts<{ config?: string }>();
  return { env, file: config ?? (env["SOTTO_CONFIG"] || undefined) };
}
