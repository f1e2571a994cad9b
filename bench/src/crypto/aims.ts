/** What we aim at, in milliseconds. With X-Wing everything may take twice as long. */

/** One aim: the sum of the tasks, for each of the sizes. */
export interface Aim {
  readonly title: string;
  readonly system: string;
  readonly tasks: readonly string[];
  readonly members: readonly number[];
  readonly atMostMs: number;
}

const x25519 = [
  {
    title: "encrypt 1 KiB, state stored (64 a change set)",
    tasks: ["encrypt, stored, 64 a change set"],
    members: [2, 1000],
    atMostMs: 0.2,
  },
  {
    title: "decrypt 1 KiB, state stored (64 a change set)",
    tasks: ["decrypt, stored, 64 a change set"],
    members: [2, 1000],
    atMostMs: 0.2,
  },
  { title: "own update", tasks: ["own update"], members: [1000], atMostMs: 240 },
  { title: "process an update", tasks: ["process an update"], members: [1000], atMostMs: 150 },
  { title: "add 999: the Commit and Welcomes", tasks: ["add all"], members: [1000], atMostMs: 1000 },
  {
    title: "add 999: with their KeyPackages verified",
    tasks: ["accept all", "add all"],
    members: [1000],
    atMostMs: 1000,
  },
];

/** Every aim. */
export const AIMS: readonly Aim[] = [
  ...x25519.map((aim) => ({ ...aim, system: "sotto-x25519" })),
  ...x25519.map((aim) => ({ ...aim, system: "sotto-x-wing", atMostMs: 2 * aim.atMostMs })),
];
