/** The floor: our bare relay in a process of its own. */
import { createRequire } from "node:module";
import { freePort } from "@sotto/testkit/free-port";
import { start } from "../host/child.ts";
import { type Target, collectOnSignal } from "./target.ts";

/** A target for one way of relaying. @param program the bench's own entry point. */
export function floor(program: string, coalesce: boolean): Target {
  return {
    name: coalesce ? "relay-coalescing" : "relay",
    title: coalesce
      ? "bare ws relay, coalescing (stores nothing)"
      : "bare ws relay (the floor: stores nothing)",
    scenarios: coalesce ? ["exchange"] : ["exchange", "paced", "idle"],
    async version() {
      const require = createRequire(import.meta.url);
      return (require("ws/package.json") as { version: string }).version;
    },
    async start(_folder, scenario) {
      const port = await freePort();
      const node = scenario === "idle" ? collectOnSignal : [];
      const args = [...node, program, "role:relay", String(port), coalesce ? "coalesce" : "one-by-one"];
      const server = await start(process.execPath, args, {
        ready: (output) => output.includes("relay listens"),
      });
      return {
        server,
        endpoint: { kind: "relay", port, coalesce },
        collectsOnSignal: scenario === "idle",
      };
    },
  };
}
