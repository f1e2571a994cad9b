/** Which of several groups that took the same place has it: the same for everybody, in whatever order they hear of them. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countsBefore } from "../src/core/groups/replacing.ts";

type Heir = Parameters<typeof countsBefore>[0];
const first: Heir = { id: "50", replaces: [] };
const after = (before: Heir, id: string, epoch: number): Heir => ({
  id,
  replaces: [{ id: before.id, epoch }, ...before.replaces],
});

const present = (groups: readonly Heir[]) =>
  groups.reduce((now, next) => (countsBefore(next, now) ? next : now));

test("of two that took the same place, one from a later epoch counts, of equals one with a lower id; then comes what took its place", () => {
  const [low, high, later] = [after(first, "10", 3), after(first, "80", 3), after(first, "90", 4)];
  const order = [later, after(low, "ff", 1), low, high, first];
  for (const [i, one] of order.entries()) {
    for (const [j, other] of order.entries()) expect(countsBefore(one, other)).toBe(i < j);
  }
  expect(countsBefore({ id: "00", replaces: [] }, first)).toBe(false);
});

test("whoever hears of the one that counts ends in it, whichever others they hear of, in whatever order", () => {
  const born = fc.record({ before: fc.nat(), id: fc.string(), epoch: fc.integer({ min: 1, max: 3 }) });
  const heirs = fc.uniqueArray(born, { selector: ({ id }) => id, maxLength: 8 }).map((all) => {
    const made = [first];
    for (const { before, id, epoch } of all)
      made.push(after(made[before % made.length] as Heir, `a${id}`, epoch));
    return made;
  });
  const heard = heirs.chain((all) =>
    fc.record({ all: fc.constant(all), some: fc.shuffledSubarray(all), at: fc.nat() }),
  );
  fc.assert(
    fc.property(heard, ({ all, some, at }) => {
      const counts = present(all);
      const others = some.filter((group) => group !== counts);
      expect(present(others.toSpliced(at % (others.length + 1), 0, counts))).toBe(counts);
    }),
  );
});
