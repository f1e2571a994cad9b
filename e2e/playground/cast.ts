/** Who lives in the playground, and which groups they have. Their numbers belong to nobody (555-01xx is kept for fiction). */

/** Names of the people; Ann and Ben are those whom a visitor plays. */
export type Who = "Ann" | "Ben" | "Cleo" | "Dev" | "Ella" | "Finn" | "Lotte";

/** Everybody, with the number that they register. */
export const cast: Readonly<Record<Who, string>> = {
  Ann: "+12025550101",
  Ben: "+12025550102",
  Cleo: "+12025550103",
  Dev: "+12025550104",
  Ella: "+12025550105",
  Finn: "+12025550106",
  Lotte: "+12025550107",
};

/** A group, by its first admin and the others. */
export interface Circle {
  readonly name: string;
  readonly members: readonly Who[];
}

/** Their groups; the first of the members makes it. */
export const circles = [
  { name: "Book club", members: ["Cleo", "Ann", "Ben", "Ella"] },
  { name: "Kitchen rebuild", members: ["Ann", "Ben", "Dev"] },
  { name: "Sunday harbour walk", members: ["Ben", "Ann", "Cleo", "Dev", "Finn"] },
  { name: "Family", members: ["Lotte", "Ann", "Finn"] },
] as const satisfies readonly Circle[];

/** Everybody by name. */
export const everybody = Object.keys(cast) as Who[];
