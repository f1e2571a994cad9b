#!/usr/bin/env node
/**
 * Entry point of the `sotto` command. It loads only what the chosen command needs: `sotto send` never loads the server,
 * and `sotto --help` neither the server nor the SDK.
 */
import { quietExperimentalSqlite } from "./io/warnings.ts";
import { processIo } from "./io/io.ts";
import { run } from "./run.ts";

quietExperimentalSqlite();
process.exitCode = await run(process.argv.slice(2), processIo());
