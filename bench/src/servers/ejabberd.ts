/**
 * ejabberd, as Debian ships it, over plain TCP on loopback. Two variants: with its default store (Mnesia), where only messages for people
 * who are away are kept (mod_offline); or with everything in PostgreSQL, its archive of every message too (mod_mam).
 * Rate shaping and the limit of offline messages are lifted; passwords are stored plain, so that sign-in is quick.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sotto/testkit/free-port";
import { TestPostgres, withClient } from "@sotto/testkit/postgres";
import { start, untilListening } from "../host/child.ts";
import { benchSettings } from "./postgres-settings.ts";
import type { StartedServer, Target } from "./target.ts";

/** The schema that ejabberd's package brings, and the driver, a package of its own. */
const schemaFile = "/usr/share/ejabberd/sql/pg.sql";
const driverFolder = "/usr/lib/erlang/lib";

/** Without an archive. */
export const ejabberd: Target = {
  name: "ejabberd",
  title: "ejabberd (stores only for people who are away, Mnesia)",
  scenarios: ["exchange", "away", "killed", "idle"],
  async version() {
    return installed()?.version;
  },
  start: (folder) => startEjabberd(folder, ""),
};

/** With its archive, over a private, durable PostgreSQL. */
export function ejabberdArchive(): Target {
  let postgres: TestPostgres | undefined;
  let empty = "";
  return {
    name: "ejabberd-archive",
    title: "ejabberd with its archive (PostgreSQL)",
    scenarios: ["exchange", "away"],
    async version() {
      const hasDriver =
        existsSync(driverFolder) && readdirSync(driverFolder).some((name) => name.startsWith("p1_pgsql-"));
      return hasDriver && existsSync(schemaFile) ? installed()?.version : undefined;
    },
    async prepare() {
      postgres = await TestPostgres.start({ durable: true, settings: benchSettings });
      empty = await postgres.createDatabase();
      await withClient(empty, (client) => client.query(readFileSync(schemaFile, "utf8")));
    },
    async close() {
      await postgres?.stop();
    },
    async start(folder) {
      if (postgres === undefined) throw new Error("PostgreSQL was not started");
      const url = new URL(await postgres.createDatabase(empty));
      const started = await startEjabberd(
        folder,
        `default_db: sql
auth_method: [sql]
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: ${postgres.port}
sql_database: ${JSON.stringify(url.pathname.slice(1))}
sql_username: ${JSON.stringify(url.username)}
sql_password: ""
`,
        "  mod_mam: {default: always}\n",
      );
      return { ...started, otherPids: [postgres.pid] };
    },
  };
}

async function startEjabberd(folder: string, settings: string, modules = ""): Promise<StartedServer> {
  const found = installed();
  if (found === undefined) throw new Error("ejabberd is not installed");
  const [port, apiPort] = [await freePort(), await freePort()];
  mkdirSync(join(folder, "spool"), { recursive: true });
  const file = join(folder, "ejabberd.yml");
  writeFileSync(file, config(port, apiPort, settings, modules));
  // Without a node name it needs neither epmd nor a cookie, and a copy of its folder starts anywhere.
  const args = [
    "+K",
    "true",
    "+P",
    "250000",
    "-noinput",
    "-mnesia",
    "dir",
    JSON.stringify(join(folder, "spool")),
    "-s",
    "ejabberd",
  ];
  const server = await start("erl", args, {
    cwd: folder,
    env: {
      ERL_LIBS: found.libraries,
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: join(folder, "ejabberd.log"),
      ERL_CRASH_DUMP_SECONDS: "0",
      HOME: folder,
    },
  });
  await untilListening(port);
  await untilListening(apiPort);
  return { server, endpoint: { kind: "xmpp", port, apiPort }, collectsOnSignal: false };
}

/** Where Debian puts ejabberd's code: /usr/lib/<architecture>/ejabberd-<version>. */
function installed(): { libraries: string; version: string } | undefined {
  if (!existsSync("/usr/bin/erl")) return undefined;
  for (const folder of readdirSync("/usr/lib")) {
    const libraries = join("/usr/lib", folder);
    if (!folder.includes("linux")) continue;
    for (const name of readdirSync(libraries)) {
      const version = /^ejabberd-([\d.]+)$/.exec(name)?.[1];
      if (version !== undefined && existsSync(join(libraries, name, "ebin"))) return { libraries, version };
    }
  }
  return undefined;
}

function config(port: number, apiPort: number, settings: string, modules: string): string {
  return `hosts: [localhost]
loglevel: error
auth_password_format: plain
${settings}listen:
  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, backlog: 1024}
  - {port: ${apiPort}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {/api: mod_http_api}}
acl: {loopback: {ip: [127.0.0.0/8]}}
api_permissions:
  bench: {who: {access: [{allow: {acl: loopback}}]}, what: [register]}
shaper_rules: {max_user_offline_messages: infinity}
modules:
  mod_admin_extra: {}
  mod_http_api: {}
  mod_offline: {access_max_user_messages: max_user_offline_messages}
  mod_roster: {}
  mod_stream_mgmt: {}
${modules}`;
}
