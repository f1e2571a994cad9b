/** The tables of RESULTS.md: medians of the rounds with the least and the greatest, and ratios to the floor. */
import type { FanOutResult } from "../load/job.ts";
import type { Results, TargetResults } from "./results.ts";

/** Median, least and greatest. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError for no values. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Everything that a run found, as Markdown. */
export function tables(results: Results): string {
  const sections = [
    machine(results),
    exchangeTable(results),
    ...results.settings.ratesPerSec.map((rate) => pacedTable(results, rate)),
    awayTable(results),
    killedTable(results),
    idleTable(results),
    fanOutTable(results),
    failures(results),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function machine({ machine, settings, targets }: Results): string {
  const versions = targets
    .filter(
      ({ name }) => !["relay-coalescing", "handshake", "ejabberd-archive", "sotto-postgres-2"].includes(name),
    )
    .map((target) => `${target.name === "relay" ? "ws" : target.name} ${target.version}`);
  return [
    `Measured ${machine.date} UTC on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `data on ${machine.disk}; ${[`Node ${machine.node}`, ...versions].join(", ")}. ` +
      `Everything else on the machine used ${othersShare(targets)} of a core meanwhile.`,
    "",
    `Median of ${settings.rounds} interleaved ${settings.rounds === 1 ? "round" : "rounds"} (least–greatest). The load generator is one process beside ` +
      `the server, on the same cores. "CPU" columns are shares of one core: server / generator.` +
      (settings.quick ? " **A quick run: it shows that everything works, not how fast it is.**" : ""),
    "",
  ].join("\n");
}

/** What others used of the machine while something was measured, as text. */
function othersShare(targets: readonly TargetResults[]): string {
  const shares = targets.flatMap(({ exchange, away }) => [
    ...exchange.map((round) => round.cpu.others),
    ...away.map((round) => round.storeCpu.others),
  ]);
  return shares.length === 0 ? "an unknown share" : decimal(spread(shares), 2);
}

function exchangeTable(results: Results): string {
  const { pairs, inFlight, bodies } = results.settings.exchange;
  const ours = medianOf(results, "sotto", (target) => target.exchange.map((round) => round.messagesPerSec));
  const floor = medianOf(results, "relay", (target) => target.exchange.map((round) => round.messagesPerSec));
  return table(
    `(a) ${pairs} pairs, ${inFlight} in flight each, ${bodies.messageBytes}-byte messages, each answered by a ${bodies.receiptBytes}-byte receipt`,
    "messages/s | of the floor | Sotto is | p50 ms | p99 ms | CPU s per 1,000 | CPU | disk KiB each | lost | out of order",
    results,
    ({ exchange }) => {
      if (exchange.length === 0) return undefined;
      const rate = spread(exchange.map((round) => round.messagesPerSec));
      return [
        whole(rate),
        ratio(rate.median, floor),
        ours === undefined ? "" : `${(ours / rate.median).toFixed(2)} ×`,
        decimal(spread(exchange.map((round) => round.p50Ms)), 1),
        decimal(spread(exchange.map((round) => round.p99Ms)), 1),
        decimal(spread(exchange.map((round) => round.cpuSecPer1000)), 3),
        shares(exchange.map((round) => round.cpu)),
        decimal(spread(exchange.map((round) => round.diskBytesEach / 1024)), 1),
        sum(exchange.map((round) => round.lost)),
        sum(exchange.map((round) => round.misordered)),
      ];
    },
  );
}

function pacedTable(results: Results, ratePerSec: number): string {
  return table(
    `(a) the same at a pace of ${count(ratePerSec)} messages/s; times count from when a message was due`,
    "p50 ms | p99 ms | CPU s per 1,000 | CPU | lost | out of order",
    results,
    (target) => {
      const paced = target.paced.filter((round) => round.ratePerSec === ratePerSec);
      if (paced.length === 0) return undefined;
      return [
        decimal(spread(paced.map((round) => round.p50Ms)), 1),
        decimal(spread(paced.map((round) => round.p99Ms)), 1),
        decimal(spread(paced.map((round) => round.cpuSecPer1000)), 3),
        shares(paced.map((round) => round.cpu)),
        sum(paced.map((round) => round.lost)),
        sum(paced.map((round) => round.misordered)),
      ];
    },
  );
}

function fanOutTable(results: Results): string {
  const { readers, messageBytes } = results.settings.fanOut;
  return table(
    `(d) one ${messageBytes}-byte message at a time to a room that ${count(readers)} read live`,
    "p50 ms to the last reader | longest ms | CPU s per 1,000 deliveries | stored, times | disk KiB each | lost | out of order",
    results,
    ({ fanOut }) => {
      if (fanOut.length === 0) return undefined;
      return [
        decimal(spread(fanOut.map((round) => round.p50Ms)), 1),
        decimal(spread(fanOut.map((round) => round.maxMs)), 1),
        decimal(spread(fanOut.map((round) => round.cpuSecPer1000)), 3),
        storedTimes(fanOut),
        decimal(spread(fanOut.map((round) => round.diskBytesEach / 1024)), 1),
        sum(fanOut.map((round) => round.lost)),
        sum(fanOut.map((round) => round.misordered)),
      ];
    },
  );
}

/** Empty where the server does not tell. */
function storedTimes(rounds: readonly FanOutResult[]): string {
  const times = rounds.flatMap(({ storedEach }) => storedEach ?? []);
  return times.length === 0 ? "" : decimal(spread(times), 0);
}

function awayTable(results: Results): string {
  const { recipients, inFlight, bodies } = results.settings.away;
  const ours = medianOf(results, "sotto", (target) => target.away.map((round) => round.takenPerSec));
  return table(
    `(b) ${bodies.messageBytes}-byte messages for ${recipients} people who are away, ${inFlight} in flight for each; then all come and take them`,
    "taken/s | Sotto is | CPU s per 1,000 | CPU | disk KiB each | drained/s | CPU s per 1,000 | CPU | lost | out of order",
    results,
    ({ away }) => {
      if (away.length === 0) return undefined;
      const rate = spread(away.map((round) => round.takenPerSec));
      return [
        whole(rate),
        ours === undefined ? "" : `${(ours / rate.median).toFixed(2)} ×`,
        decimal(spread(away.map((round) => round.storeCpuSecPer1000)), 3),
        shares(away.map((round) => round.storeCpu)),
        decimal(spread(away.map((round) => round.storeDiskBytesEach / 1024)), 1),
        whole(spread(away.map((round) => round.drainedPerSec))),
        decimal(spread(away.map((round) => round.drainCpuSecPer1000)), 3),
        shares(away.map((round) => round.drainCpu)),
        sum(away.map((round) => round.lost)),
        sum(away.map((round) => round.misordered)),
      ];
    },
  );
}

function killedTable(results: Results): string {
  return table(
    "The same load, the server killed with SIGKILL in its midst and started again",
    "acknowledged | of these lost",
    results,
    ({ killed }) =>
      killed.length === 0
        ? undefined
        : [sum(killed.map((round) => round.acknowledged)), sum(killed.map((round) => round.lost))],
  );
}

function idleTable(results: Results): string {
  return table(
    `(c) ${count(results.settings.idle.connections)} connections, signed in, ready to receive, idle`,
    "RSS each, KiB | PSS each, KiB | sign-ins/s | CPU s per 1,000 sign-ins | CPU",
    results,
    ({ idle }) => {
      if (idle.length === 0) return undefined;
      return [
        decimal(spread(idle.map((round) => round.rssBytesEach / 1024)), 1),
        decimal(spread(idle.map((round) => round.pssBytesEach / 1024)), 1),
        whole(spread(idle.map((round) => round.connectedPerSec))),
        decimal(spread(idle.map((round) => round.connectCpuSecPer1000)), 2),
        shares(idle.map((round) => round.cpu)),
      ];
    },
  );
}

function failures({ targets }: Results): string {
  const lines = targets.flatMap((target) => target.failures.map((failure) => `- ${target.name}: ${failure}`));
  return lines.length === 0 ? "" : `### Failed\n\n${lines.join("\n")}\n`;
}

function table(
  title: string,
  columns: string,
  results: Results,
  row: (target: TargetResults) => readonly string[] | undefined,
): string {
  const rows = results.targets.flatMap((target) => {
    const cells = row(target);
    return cells === undefined ? [] : [[target.title, ...cells]];
  });
  if (rows.length === 0) return "";
  const head = ["", ...columns.split("|").map((column) => column.trim())];
  return [`### ${title}`, "", ...aligned([head, ...rows]), ""].join("\n");
}

/** A Markdown table as the formatter wants it: columns padded, the first to the left and the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)];
}

function medianOf(
  results: Results,
  name: string,
  values: (target: TargetResults) => readonly number[],
): number | undefined {
  const target = results.targets.find((each) => each.name === name);
  const found = target === undefined ? [] : values(target);
  return found.length === 0 ? undefined : spread(found).median;
}

function ratio(value: number, floor: number | undefined): string {
  return floor === undefined ? "" : `${Math.round((100 * value) / floor)} %`;
}

function shares(all: readonly { readonly server: number; readonly generator: number }[]): string {
  const server = spread(all.map((each) => each.server)).median;
  const generator = spread(all.map((each) => each.generator)).median;
  return `${server.toFixed(2)} / ${generator.toFixed(2)}`;
}

function whole({ median, min, max }: Spread): string {
  return min === max ? count(median) : `${count(median)} (${count(min)}–${count(max)})`;
}

function decimal({ median, min, max }: Spread, digits: number): string {
  const text = median.toFixed(digits);
  return min === max ? text : `${text} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function sum(values: readonly number[]): string {
  return count(values.reduce((total, value) => total + value, 0));
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
