/** The tables of docs/scale.md. */
import { aligned } from "../report/tables.ts";
import { P } from "../simulation/parameters.ts";
import { PEOPLE, PRICES, SIZES, type Assumption } from "./assumptions.ts";
import { loadOf, storageOf, trafficOf, type Design, type Load, type Storage } from "./load.ts";
import { limitsOf, machinesOf, moneyOf, type Machines } from "./machines.ts";

const sizes = [1e6, 1e8, 1e9] as const;
const designs = ["as built", "changed"] as const;

/** Three digits, as people say them. */
export function short(value: number, unit = ""): string {
  const steps = [
    [1e15, "P"],
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  const [divisor, letter] = steps.find(([step]) => value >= step) ?? [1, ""];
  const scaled = value / divisor;
  const digits = scaled >= 100 || Number.isInteger(scaled) ? 0 : scaled >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)}${letter || unit ? " " : ""}${letter}${unit}`.trim();
}
const names = ["1 million", "100 million", "1 billion"] as const;
const percent = (share: number): string => (share < 0.005 ? "" : `${Math.round(100 * share)} %`);
const columns = designs.flatMap((design) =>
  sizes.map((people, i) => ({ design, people, name: `${names[i]}, ${design}` })),
);
const head = ["", ...columns.map(({ name }) => name)];
const row = (name: string, cell: (people: number, design: Design) => string): string[] => [
  name,
  ...columns.map(({ people, design }) => cell(people, design)),
];
const loadRow = (name: string, cell: (load: Load) => string): string[] =>
  row(name, (people, design) => cell(loadOf(people, design)));
const storageRow = (name: string, key: keyof Storage): string[] =>
  row(name, (people, design) => short(storageOf(people, design)[key], "B"));

/** A table of texts, as the formatter wants it. */
function texts(rows: readonly (readonly [string, string])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => (cells[column] as string).length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(" | ")} |`;
  return [line(rows[0]!), line(widths.map((width) => "-".repeat(width))), ...rows.slice(1).map(line)];
}

function assumptions(table: Readonly<Record<string, Assumption>>): string[] {
  const rows = Object.values(table).map(
    ({ value, unit, why }) => [`${value.toLocaleString("en-US")} ${unit}`, why] as const,
  );
  return texts([["assumed", "because"], ...rows]);
}

function message(): string[] {
  const rows = designs.flatMap((design) => {
    const { pair, group } = trafficOf(design);
    const line = (name: string, { textReaders, receipts, receiptReaders }: typeof pair): string[] => [
      `${name}, ${design}`,
      textReaders.toString(),
      receipts.toFixed(1),
      receiptReaders.toString(),
      Math.round(textReaders + receipts * receiptReaders).toLocaleString("en-US"),
    ];
    return [line("to one person", pair), line("to a group of 30", group)];
  });
  return aligned([
    ["one message", "readers of it", "receipts for it", "readers of each", "deliveries"],
    ...rows,
  ]);
}

function load(): string[] {
  return aligned([
    head,
    loadRow("messages/s, average", (load) => short(load.averageMessages)),
    loadRow("messages/s", (load) => short(load.messages)),
    loadRow("Commits/s that renew keys", (load) => short(load.commits)),
    loadRow("appends/s, all of these", (load) => short(load.appends)),
    loadRow("deliveries/s", (load) => short(load.deliveries)),
    loadRow("… of them receipts in groups", (load) => percent(load.groupReceiptShare)),
    loadRow("acks/s", (load) => short(load.acks)),
    loadRow("connections", (load) => short(load.connections)),
    loadRow("sign-ins/s", (load) => short(load.signIns)),
    loadRow("looks at heads/s", (load) => short(load.looks)),
    loadRow("wake-ups between nodes/s", (load) => short(load.wakes)),
    loadRow("push wake-ups/s, at most", (load) => short(load.pushes)),
    loadRow("written by PostgreSQL, B/s", (load) => short(load.appends * P.appendDiskBytes)),
    loadRow("in, bit/s", (load) => short(8 * load.bytesIn)),
    loadRow("out, bit/s", (load) => short(8 * load.bytesOut)),
    loadRow("… of it Commits", (load) => percent(load.commitShare)),
  ]);
}

function machines(): string[] {
  return aligned([
    head,
    row("nodes (processes of one thread)", (people, design) => short(machinesOf(people, design).nodes)),
    row("cores of PostgreSQL", (people, design) => short(machinesOf(people, design).databaseCores)),
    row("… as shards of 16", (people, design) => short(machinesOf(people, design).shards)),
    storageRow("entries at rest, mean times", "entries"),
    storageRow("… if all wait for 90 days", "worstEntries"),
    storageRow("KeyPackages, slots, lists", "devices"),
    storageRow("attachments", "attachments"),
  ]);
}

function where(): string[] {
  const kinds = ["looks", "commits", "reads", "sign-ins", "acks", "frames", "appends"] as const;
  const cells = (
    of: (machines: Machines) => Machines["nodeShares"],
    kind: (typeof kinds)[number],
  ): string[] => designs.map((design) => percent(of(machinesOf(1e8, design))[kind]));
  const rows = kinds.map((kind) => [
    kind === "commits" ? "group commits" : kind,
    ...cells(({ databaseShares }) => databaseShares, kind),
    ...cells(({ nodeShares }) => nodeShares, kind),
  ]);
  const top = [
    "",
    ...designs.map((design) => `PostgreSQL, ${design}`),
    ...designs.map((design) => `nodes, ${design}`),
  ];
  return aligned([top, ...rows]);
}

const part = (name: string, key: keyof ReturnType<typeof moneyOf>): string[] =>
  row(name, (people, design) => {
    const value = moneyOf(people, design)[key];
    return key === "perPersonAndYear" ? value.toFixed(2) : short(value);
  });

function money(): string[] {
  return aligned([
    head,
    part("nodes", "nodes"),
    part("databases", "databases"),
    part("storage", "storage"),
    part("traffic of messages", "traffic"),
    part("attachments", "attachments"),
    part("SMS", "codes"),
    part("together, US$ a month", "total"),
    part("a person and year", "perPersonAndYear"),
  ]);
}

function limits(): string[] {
  const rows = designs.flatMap((design) =>
    limitsOf(design).map(({ name, people }) => [`${design}: ${name}`, short(people)]),
  );
  return aligned([["what is full", "at so many people"], ...rows]);
}

/** By the name of their markers. */
export const SCALE_TABLES = {
  people: () => assumptions(PEOPLE),
  sizes: () => assumptions(SIZES),
  prices: () => assumptions(PRICES),
  message,
  load,
  machines,
  where,
  money,
  limits,
} as const satisfies Record<string, () => string[]>;
