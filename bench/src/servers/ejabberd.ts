/**
 * ejabberd, as Debian ships it, over plain TCP on loopback, with its default store (Mnesia). Two variants: with its archive
 * (mod_mam, every message is kept), or without, where only messages for people who are away are kept (mod_offline).
 * Rate shaping and the limit of offline messages are lifted; passwords are stored plain, so that sign-in is quick.
 */
import { readdirSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sotto/testkit/free-port";
import { start, untilListening } from "../host/child.ts";
import type { Target } from "./target.ts";

/** A target with or without the archive. */
export function ejabberd(archive: boolean): Target {
  return {
    name: archive ? "ejabberd-archive" : "ejabberd",
    title: archive
      ? "ejabberd with its archive (Mnesia)"
      : "ejabberd (stores only for people who are away, Mnesia)",
    scenarios: archive ? ["exchange"] : ["exchange", "away", "killed", "idle"],
    async version() {
      return installed()?.version;
    },
    async start(folder) {
      const found = installed();
      if (found === undefined) throw new Error("ejabberd is not installed");
      const [port, apiPort] = [await freePort(), await freePort()];
      mkdirSync(join(folder, "spool"), { recursive: true });
      const file = join(folder, "ejabberd.yml");
      writeFileSync(file, config(port, apiPort, archive));
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
    },
  };
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

function config(port: number, apiPort: number, archive: boolean): string {
  return `hosts: [localhost]
loglevel: error
auth_password_format: plain
listen:
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
${archive ? "  mod_mam: {default: always}\n" : ""}`;
}
