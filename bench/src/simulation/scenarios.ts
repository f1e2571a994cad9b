/** The scenarios as they are run and told: what varies, and a table of what it comes to. */
import { aligned } from "../report/tables.ts";
import { exchangeOnPostgres, simulateExchange } from "./exchange.ts";
import { simulateHotLog } from "./hot-log.ts";
import { MEASURED_EXCHANGE } from "./parameters.ts";
import { simulateReconnect } from "./reconnect.ts";
import { simulateRegion } from "./region.ts";

/** Plays a scenario. Returns Markdown. */
export type Scenario = (seed: number) => string;

const whole = (value: number): string =>
  Number.isNaN(value) ? "–" : Math.round(value).toLocaleString("en-US");
const tenth = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) || !Number.isFinite(value) ? "never" : value.toFixed(1);
const percent = (share: number): string => `${Math.round(100 * share)} %`;

const exchange: Scenario = (seed) => {
  const { date, messagesPerSec, p50Ms, p99Ms, quietMs, postgresCpuSecPer1000 } = MEASURED_EXCHANGE;
  const busy = simulateExchange(100, 16, 400, seed);
  const quiet = simulateExchange(10, 1, 400, seed);
  const rows = [
    ["100 pairs, 16 in flight: messages/s", whole(busy.messagesPerSec), whole(messagesPerSec)],
    ["… p50, ms", tenth(busy.p50Ms), tenth(p50Ms)],
    ["… p99, ms", tenth(busy.p99Ms), tenth(p99Ms)],
    ["10 pairs, 1 in flight: p50, ms", tenth(quiet.p50Ms), quietMs.join(" to ")],
    [
      "on PostgreSQL, one node: CPU s for 1,000",
      exchangeOnPostgres().toFixed(3),
      postgresCpuSecPer1000.toFixed(3),
    ],
  ];
  return [
    ...aligned([["one node, SQLite", "simulated", `measured ${date}`], ...rows]),
    "",
    "The row of PostgreSQL was fitted: that acks join in that load was put in after it had been measured, by one round on a busy machine.",
    "Its service times are from the profile of that load, so that it hits the throughput is no proof; the waiting is its own. It knows no garbage",
    "collection and no slow fsync: **of p99 it predicts half.** Read every p99 below as a lower bound.",
  ].join("\n");
};

const hotLog: Scenario = (seed) => {
  const cases = [
    [100, "as built", [1, 10, 100]],
    [1_000, "as built", [1, 10, 100]],
    [2_048, "as built", [1, 10, 100]],
    [2_048, "changed", [1, 10, 100]],
    [100_000, "as built", [1]],
    [100_000, "changed", [1, 5, 10, 20, 50]],
  ] as const;
  const rows = cases.flatMap(([readers, design, rates]) =>
    rates.map((messagesPerSec) => {
      const found = simulateHotLog({
        readers,
        messagesPerSec,
        design,
        nodes: 10,
        databaseCores: 16,
        otherAppendsPerSec: 200,
        measureMs: messagesPerSec < 10 ? 20_000 : 10_000,
        seed,
      });
      return [
        `${whole(readers)}, ${design}`,
        String(messagesPerSec),
        `${whole(found.appendP50Ms)} / ${whole(found.appendP99Ms)}`,
        `${whole(found.lastReaderP50Ms)} / ${whole(found.lastReaderP99Ms)}`,
        whole(found.otherP99Ms),
        percent(found.databaseBusy),
        found.isSaturated ? `no: ${percent(found.reachedAll)}` : "yes",
      ];
    }),
  );
  const head = [
    "readers",
    "messages/s",
    "stored, p50 / p99 ms",
    "last reader has it",
    "other logs' p99",
    "database",
    "keeps up",
  ];
  return [
    "One log, readers spread over 10 nodes, a database of 16 cores; 200 appends/s go to other logs. “Changed”: wake-ups bring the entries, and a node",
    "stores one cursor for all its readers, once a second. (2,048 devices are the most that a group may have; 100,000 no protocol of ours allows.)",
    "",
    ...aligned([head, ...rows]),
  ].join("\n");
};

const reconnect: Scenario = (seed) => {
  const base = {
    nodes: 4,
    clientsEach: 10_000,
    databaseCores: 16,
    gone: "all",
    downMs: 5_000,
    hintMs: undefined,
    pauses: "as built",
    attaching: "as built",
    logs: 51,
    seed,
  } as const;
  const cases = [
    ["one of four killed", { gone: "one" }],
    ["all killed, back after 5 s", {}],
    ["all drained, back after 1 s", { downMs: 1_000, hintMs: 2_000 }],
    ["all killed, pauses without jitter", { pauses: "no jitter" }],
    ["all killed, pauses that do not grow", { pauses: "no back-off" }],
    ["all killed; attached by one statement", { attaching: "one statement" }],
    ["… and drained instead", { attaching: "one statement", downMs: 1_000, hintMs: 2_000 }],
    ["… and killed, without jitter", { attaching: "one statement", pauses: "no jitter" }],
    ["… and killed, not growing", { attaching: "one statement", pauses: "no back-off" }],
  ] as const;
  const rows = cases.map(([name, change]) => {
    const found = simulateReconnect({ ...base, ...change });
    return [
      name,
      whole(found.clients),
      `${tenth(found.signedInHalfSec)} / ${tenth(found.signedInAllSec)}`,
      `${tenth(found.readingHalfSec)} / ${found.allAreIn ? tenth(found.readingAllSec) : "never"}`,
      tenth(found.triesEach),
      whole(found.peakQueue),
    ];
  });
  const head = [
    "4 nodes, 10,000 clients each",
    "come back",
    "signed in, half / all s",
    "reading, half / all s",
    "tries each",
    "longest queue",
  ];
  return [
    "A client reads 51 logs. Its pauses are the client's own code; it gives up a handshake after 15 s, the server a sign-in after 10 s.",
    "",
    ...aligned([head, ...rows]),
  ].join("\n");
};

const region: Scenario = (seed) => {
  const base = { nodes: 3, clientsEach: 2_000, failoverSec: 20, logs: 51, horizonSec: 240, seed } as const;
  const cases = (["as built", "one statement"] as const).flatMap((attaching) =>
    [0.3, 0.5, 0.6, 0.7].map((utilisation) => ({ utilisation, attaching })),
  );
  const rows = cases.map(({ utilisation, attaching }) => {
    const found = simulateRegion({ ...base, utilisation, attaching });
    return [
      `${percent(utilisation)}, attaching ${attaching}`,
      tenth(found.normalP99Ms),
      whole(found.peakBacklog),
      whole(found.finalBacklog),
      tenth(found.allBackSec),
      tenth(found.recoveredSec),
    ];
  });
  const head = [
    "nodes were used to",
    "p99 before, ms",
    "most waiting",
    "waiting after 240 s",
    "all read again, s",
    "p99 under 100 ms again, s",
  ];
  return [
    "Three regions of a node and a shard each. One goes, with its 2,000 clients; its shard is away for 20 s, until a standby has taken over. “Never”: not within 240 s.",
    "",
    ...aligned([head, ...rows]),
  ].join("\n");
};

/** By name. */
export const SCENARIOS = { exchange, "hot-log": hotLog, reconnect, region } as const satisfies Record<
  string,
  Scenario
>;
