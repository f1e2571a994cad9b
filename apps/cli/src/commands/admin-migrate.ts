/** `sotto admin migrate`: a living server's data from its folder to PostgreSQL. */
import { Command } from "commander";
import { loadConfig, migrateToPostgres } from "@sotto/server";
import { configSources } from "../config-sources.ts";
import { contextOf } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { examples } from "../options.ts";

interface Flags {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** The command. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Moves a server's data from SQLite to PostgreSQL, while it runs until the end.")
    .option(
      "--from <dir>",
      "its data folder, which goes on holding the keys (SOTTO_DATA; default ./sotto-data)",
    )
    .option("--to <url>", "postgres://… of an empty database (SOTTO_DATABASE; with a password better so)")
    .option("--config <file>", "the server's configuration file (SOTTO_CONFIG)")
    .option("--json", "one JSON object, for scripts")
    .addHelpText(
      "after",
      `${examples("sotto admin migrate --from /var/lib/sotto --to postgres://sotto@/sotto?host=/run/postgresql")}

Cut off, it goes on when it is run again. At the end the old server takes nothing any more: restart it with the new database.`,
    )
    .action(async ({ from, to, json }: Flags, command: Command) => {
      const { io } = contextOf(command);
      const config = loadConfig({ flags: { data: from, database: to }, ...configSources(command) });
      if (config.database === undefined) {
        throw usageFailure(
          "no database is named to move to",
          "give --to postgres://…, or set SOTTO_DATABASE.",
        );
      }
      const summary = await migrateToPostgres(config.data, config.database, {
        passed(changed, fenced) {
          if (json !== true)
            void remark(
              io,
              fenced ? `The last ${changed} rows are moved; comparing.` : `${changed} rows moved.`,
            );
        },
      });
      const { to: place, counts, stoodStillMs } = summary;
      if (json === true) {
        await printJson(io, {
          from: config.data,
          to: place,
          stood_still_ms: stoodStillMs,
          tables: counts ?? null,
        });
        return;
      }
      const moved =
        counts &&
        `${counts.accounts.rows} accounts and ${counts.entries.rows} entries, counted and hashed on both sides, are`;
      await printLine(
        io,
        `${moved ?? "Everything is"} in ${place}. The old database stood still for ${stoodStillMs} ms before.`,
      );
      await remark(
        io,
        "Now restart the server with this database (--database or SOTTO_DATABASE): the old one takes nothing any more.",
      );
    });
}
