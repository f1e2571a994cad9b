/** Every system that the bench knows. */
import { ejabberd, ejabberdArchive } from "./servers/ejabberd.ts";
import { floor } from "./servers/floor.ts";
import { handshake } from "./servers/handshake.ts";
import { mosquitto } from "./servers/mosquitto.ts";
import { sotto } from "./servers/sotto.ts";
import { sottoOnPostgres } from "./servers/sotto-postgres.ts";
import type { Target } from "./servers/target.ts";

/** All of them, ours first, the floor next. @param program the bench's own entry point. */
export function allTargets(program: string): Target[] {
  return [
    sotto(program),
    sottoOnPostgres(program, 1),
    sottoOnPostgres(program, 2),
    floor(program, false),
    floor(program, true),
    handshake(program),
    mosquitto,
    ejabberd,
    ejabberdArchive(),
  ];
}
