/**
 * The bench: `npm run bench`. Starts each system on loopback, loads it from a process of its own, and writes what it
 * measured. The same file is the entry point of the processes that it starts: the load generator and the floors.
 */
import { fileURLToPath } from "node:url";
import { generate } from "./load/generator.ts";
import { USAGE, parseOptions } from "./options.ts";
import { profile } from "./profile.ts";
import { run } from "./run.ts";
import { serveHandshakes } from "./servers/handshake.ts";
import { serveRelay } from "./servers/relay.ts";

const program = fileURLToPath(import.meta.url);
const [role, ...rest] = process.argv.slice(2);

if (role === "role:generator") generate();
else if (role === "role:relay") await serveRelay(Number(rest[0]), rest[1] === "coalesce");
else if (role === "role:handshake") await serveHandshakes(Number(rest[0]), rest[1] ?? "");
else if (role === "--help") console.log(USAGE);
else {
  const options = parseOptions(process.argv.slice(2), fileURLToPath(new URL("..", import.meta.url)));
  const ok = options.mode === "profile" ? await profile(program, options) : await run(program, options);
  process.exit(ok ? 0 : 1);
}
