#!/usr/bin/env node
/**
 * Entry point of the `sotto` command. It loads only what the chosen command needs: `sotto send` never loads the server,
 * and `sotto --help` neither the server nor the SDK.
 */
import { quietExperimentalSqlite } from "./io/warnings.ts";
import { processIo } from "./io/io.ts";
import { run } from "./run.ts";

quietExperimentalSqlite();
const io = processIo();
let brokenPipe = false;
for (const stream of [io.stdout, io.stderr]) {
  // Whoever read our output went away (`sotto history … | head`): there is nobody to tell, but it was no success.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    brokenPipe = true;
  });
}
const exitCode = await run(process.argv.slice(2), io);
process.exitCode = exitCode === 0 && brokenPipe ? 1 : exitCode;
