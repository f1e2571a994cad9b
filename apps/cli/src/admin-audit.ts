/** Notes every `sotto admin` command in the data folder's log of who did what. */
import { userInfo } from "node:os";
import type { Command } from "commander";
import { appendAdminRecord, loadConfig, type AdminRecord } from "@sotto/server";
import { configSources } from "./config-sources.ts";
import { contextOf } from "./context.ts";
import { remark } from "./io/output.ts";

/** They only look, and some look every minute. */
const unnoted: ReadonlySet<string> = new Set(["status", "audit"]);

/** Has each subcommand noted when it begins and when it has ended well. Whatever is added later is noted too. */
export function noteSubcommands(admin: Command): Command {
  return admin
    .hook("preAction", (_admin, command) => note(command, "began"))
    .hook("postAction", (_admin, command) => note(command, "done"));
}

async function note(command: Command, step: AdminRecord["step"]): Promise<void> {
  if (unnoted.has(command.name())) return;
  const { io } = contextOf(command);
  const { data, from = data } = command.opts<{ data?: string; from?: string }>();
  const { data: folder } = loadConfig({ flags: { data: from }, ...configSources(command) });
  const sudo = io.env["SUDO_USER"];
  const record = {
    at: new Date().toISOString(),
    user: userName(),
    ...(sudo !== undefined && { sudo }),
    pid: process.pid,
    command: command.name(),
    options: command.options
      .filter((option) => command.getOptionValueSource(option.attributeName()) === "cli")
      .map(({ long, flags }) => long ?? flags),
    step,
  };
  try {
    appendAdminRecord(folder, record);
  } catch (error) {
    const { code = "unknown cause" } = error as NodeJS.ErrnoException;
    await remark(io, `This could not be noted in ${folder} (${code}).`);
  }
}

/** A process may have a user without a name, in a container for one. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
