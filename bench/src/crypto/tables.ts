/** The tables of the crypto bench: median of the rounds, least and greatest, and how they stand to the aims. */
import { aligned, spread } from "../report/tables.ts";
import { AIMS, type Aim } from "./aims.ts";
import type { CryptoResults, Sample } from "./samples.ts";
import { find } from "./samples.ts";
import { WAYS } from "./sotto-messages.ts";

const titles: Readonly<Record<string, string>> = {
  "sotto-x25519": "Sotto, X25519",
  "sotto-x-wing": "Sotto, X-Wing",
  libsignal: "libsignal",
  "core-crypto": "CoreCrypto, X25519",
  floor: "alone",
};

/** Everything that a run found, as Markdown. */
export function cryptoTables(results: CryptoResults): string {
  const { machine, versions, settings, othersCores, samples } = results;
  const { rounds, members, messageBytes } = settings;
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const times = (tasks: readonly string[], size: readonly number[] = members) =>
    table(samples, tasks, size, "ms");
  return [
    `Measured ${machine.date} UTC on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `data on ${machine.disk}; ${known.join(", ")}. ` +
      `Everything else on the machine used ${figure(spread(othersCores), 2)} of a core meanwhile.`,
    "",
    `Median of ${rounds} interleaved ${rounds === 1 ? "round" : "rounds"} (least–greatest), wall clock, one thread. ` +
      `${messageBytes}-byte messages. Peers keep their state in memory; "stored" is the client's vault: AES-256-GCM records in SQLite, ` +
      "synced to disk at each change set. CoreCrypto is OpenMLS in WebAssembly; libsignal is the Double Ratchet in native code, for two.",
    "",
    "### Aims",
    "",
    ...aimTable(samples, settings.members),
    "",
    "### A message, milliseconds",
    "",
    ...times(WAYS.flatMap(({ title }) => [`encrypt, ${title}`, `decrypt, ${title}`])),
    "",
    "### The first message to somebody new, milliseconds",
    "",
    'Their keys are read and verified, the session or group is made, the message encrypted; "read" is the other side. Without the network.',
    "",
    ...times(
      ["first message", "first message, stored", "first message read", "encrypt and decrypt an answer"],
      [2],
    ),
    "",
    "### Groups, milliseconds",
    "",
    "All are added in one Commit to a fresh group, so no inner node has a key yet: an update seals to every member, the dearest case. " +
      '"accept all" reads and verifies their KeyPackages, which CoreCrypto does within "add all".',
    "",
    ...times([
      "create",
      "accept all",
      "add all",
      "add one",
      "own update",
      "process an update",
      "join",
      "store an epoch",
    ]),
    "",
    "### Bytes",
    "",
    "Sotto makes a Welcome for each who joins and one copy of the tree for all; CoreCrypto's Welcome holds both for all.",
    "",
    ...table(
      samples,
      [
        "Welcome",
        "tree beside it",
        "Commit that adds all",
        "Commit that adds one",
        "Commit that updates",
        "state on disk",
      ],
      members,
      "bytes",
    ),
    "",
    "### Floors, milliseconds",
    "",
    ...times([...new Set(samples.filter((each) => each.system === "floor").map(({ task }) => task))], [0]),
    "",
  ].join("\n");
}

function aimTable(samples: readonly Sample[], members: readonly number[]): string[] {
  const rows = [["", "members", "aim, ms", "measured, ms", "", "of it own CPU, ms"]];
  for (const aim of AIMS) {
    for (const size of sizesOf(aim, members)) {
      const parts = aim.tasks.map((task) => find(samples, aim.system, size, task));
      if (parts.some((part) => part === undefined)) continue;
      const sums = (of: "values" | "cpuMs") =>
        spread(parts[0]![of].map((_, i) => parts.reduce((sum, part) => sum + (part![of][i] ?? 0), 0)));
      const measured = sums("values");
      rows.push([
        `${titles[aim.system]}: ${aim.title}`,
        String(size),
        aim.atMostMs.toString(),
        figure(measured, 3),
        measured.median <= aim.atMostMs ? "reached" : "missed",
        figure(sums("cpuMs"), 3),
      ]);
    }
  }
  return aligned(rows);
}

function sizesOf(aim: Aim, members: readonly number[]): readonly number[] {
  return aim.members.filter((size) => members.includes(size));
}

/** A row for each task and system, a column for each size. Tasks that nobody has are left out. */
function table(
  samples: readonly Sample[],
  tasks: readonly string[],
  members: readonly number[],
  unit: Sample["unit"],
): string[] {
  const systems = [...new Set(samples.map(({ system }) => system))].sort(
    (a, b) => Object.keys(titles).indexOf(a) - Object.keys(titles).indexOf(b),
  );
  const rows: string[][] = [];
  for (const task of tasks) {
    for (const system of systems) {
      const cells = members.map((size) => {
        const sample = find(samples, system, size, task);
        if (sample === undefined) return "";
        const values = spread(sample.values);
        return unit === "bytes" ? values.median.toLocaleString("en") : figure(values, 3);
      });
      if (cells.some((cell) => cell !== "")) rows.push([task, titles[system] ?? system, ...cells]);
    }
  }
  const head = ["", "", ...members.map((size) => (size === 0 ? "each" : `${size} members`))];
  return aligned([head, ...rows]);
}

/** Three digits that count. */
function figure({ median, min, max }: ReturnType<typeof spread>, digits: number): string {
  const text = (value: number): string =>
    value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : digits);
  return min === max ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}
