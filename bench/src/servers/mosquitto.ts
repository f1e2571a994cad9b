/**
 * mosquitto, as Debian ships it: QoS 1, persistent sessions, its own defaults for writing to disk (every half hour and at
 * the end). Its limits on queues are lifted and TCP_NODELAY is set, since otherwise it drops or waits.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sotto/testkit/free-port";
import { outputOf, start, untilListening } from "../host/child.ts";
import type { Target } from "./target.ts";

/** Debian keeps it outside the path of ordinary users. */
const command = existsSync("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";

export const mosquitto: Target = {
  name: "mosquitto",
  title: "mosquitto, QoS 1 (keeps in memory, writes to disk every 30 minutes)",
  scenarios: ["exchange", "paced", "fan-out", "away", "killed", "idle"],
  async version() {
    return /mosquitto version (\S+)/.exec((await outputOf(command, ["-h"])) ?? "")?.[1];
  },
  async start(folder) {
    const port = await freePort();
    const config = [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      `persistence_location ${folder}/`,
      "max_inflight_messages 256",
      "max_queued_messages 0",
      "set_tcp_nodelay true",
      "log_type error",
      ...(process.getuid?.() === 0 ? ["user root"] : []),
    ];
    const file = join(folder, "mosquitto.conf");
    writeFileSync(file, `${config.join("\n")}\n`);
    const server = await start(command, ["-c", file]);
    await untilListening(port);
    return { server, endpoint: { kind: "mqtt", port }, collectsOnSignal: false };
  },
};
