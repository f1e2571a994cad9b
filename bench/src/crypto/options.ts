/** What the command line of the crypto bench says. */
import { parseArgs } from "node:util";
import { oneOf, whole } from "../arguments.ts";

/** Who can be measured. */
const SYSTEMS = ["sotto-x25519", "sotto-x-wing", "libsignal", "core-crypto"] as const;
export type System = (typeof SYSTEMS)[number];

/** How to run. */
export interface CryptoOptions {
  readonly rounds: number;
  readonly only: readonly System[];
  /** Sizes of groups, each at least 2, ascending. */
  readonly members: readonly number[];
  /** How many messages make one measurement. */
  readonly messages: number;
  readonly messageBytes: number;
  readonly waitQuietSec: number;
  /** Folder for RESULTS.md and results-crypto.json; undefined: only print. */
  readonly out: string | undefined;
}

export const CRYPTO_USAGE = `npm run bench:crypto -- [options]
  --rounds N          rounds, interleaved between the systems (default 5)
  --only A,B          systems: ${SYSTEMS.join(", ")}
  --members A,B       sizes of groups (default 2,10,100,1000)
  --messages N        messages that make one measurement (default 320)
  --message-bytes N   (default 1024)
  --wait-quiet N      before each system, wait up to N seconds for the machine to have nothing else to do (default 0)
  --out DIR           where RESULTS.md and results-crypto.json go (default bench/); --no-write prints only`;

/** @throws Error for what it does not understand. */
export function parseCryptoOptions(args: readonly string[], defaultOut: string): CryptoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      only: { type: "string", default: SYSTEMS.join(",") },
      members: { type: "string", default: "2,10,100,1000" },
      messages: { type: "string", default: "320" },
      "message-bytes": { type: "string", default: "1024" },
      "wait-quiet": { type: "string", default: "0" },
      "no-write": { type: "boolean", default: false },
      out: { type: "string", default: defaultOut },
    },
  });
  return {
    rounds: whole(values.rounds, 1),
    only: values.only.split(",").map(oneOf("system", SYSTEMS)),
    members: values.members
      .split(",")
      .map((size) => whole(size, 2))
      .sort((a, b) => a - b),
    messages: whole(values.messages, 1),
    messageBytes: whole(values["message-bytes"], 1),
    waitQuietSec: whole(values["wait-quiet"], 0),
    out: values["no-write"] ? undefined : values.out,
  };
}
