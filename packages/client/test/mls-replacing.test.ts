/** Which of several groups that took the same place has it: the same for everybody, in whatever order they hear of them. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { create, toBinary } from "@bufbuild/protobuf";
import { GroupDataSchema, GroupKind, GroupRight } from "@sotto/protocol";
import { countsBefore, isGivenUp, replacedBy, tookPlaceMeanwhile } from "../src/core/groups/replacing.ts";

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

test("a group that was lost stands in the way until nobody answered half an hour later; a machine that slept did not ask", () => {
  const [lostMs, minute] = [10_000_000, 60_000];
  const asked = (afterMs: number) => ({
    lost: { why: "own", atMs: lostMs } as const,
    askedRejoinAtMs: lostMs + afterMs,
  });
  expect(isGivenUp(asked(5_000), lostMs + minute)).toBe(false);
  // It slept for hours after it had asked.
  expect(isGivenUp(asked(5_000), lostMs + 300 * minute)).toBe(false);
  expect(isGivenUp(asked(300 * minute), lostMs + 300 * minute + 5_000)).toBe(false);
  expect(isGivenUp(asked(300 * minute), lostMs + 301 * minute)).toBe(true);
  // The clock was set back: nobody knows how long it is.
  expect(isGivenUp(asked(-100 * minute), lostMs - 90 * minute)).toBe(true);
});

const idOf = (hex: string) => hex.repeat(16);
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(idOf(hex), "hex"));
const known = (hex: string, before: readonly string[], state: string, successor?: string) => {
  const replaces = before.map((one) => ({ logId: bytesOf(one), epoch: 3n }));
  const data = toBinary(GroupDataSchema, create(GroupDataSchema, { kind: GroupKind.PAIR, replaces }));
  return { record: { id: idOf(hex), state, successor: successor && idOf(successor), data } };
};

test("of two that took one place, the one that counts takes it back from that which it was given up for, and from no other", () => {
  const [first, better, worse, next] = [
    known("00", [], "replaced", "10"),
    known("10", ["00"], "replaced", "80"),
    known("80", ["00"], "joined"),
    known("20", ["10", "00"], "joined"),
  ];
  const after = (one: typeof first, all: readonly (typeof first)[]) => {
    const step = { live: { groups: { byId: new Map(all.map((each) => [each.record.id, each])) } } };
    return tookPlaceMeanwhile(...([step, one] as unknown as Parameters<typeof tookPlaceMeanwhile>));
  };
  expect(after(better, [first, better, worse])).toBe(worse);
  expect(after(first, [first, better, worse])).toBeUndefined();
  const replacedForGood = known("10", ["00"], "replaced", "20");
  expect(after(replacedForGood, [first, replacedForGood, next])).toBeUndefined();
});

const [own, admin, other, stranger] = ["aa", "bb", "cc", "dd"] as const;
/** A group that came of another which this device never was in, as who let it in there tells it. */
const heir = (hex: string, admins: readonly string[], invitedBy: string) => {
  const groupData = toBinary(
    GroupDataSchema,
    create(GroupDataSchema, {
      kind: GroupKind.GROUP,
      name: "Climbing",
      admins: admins.map(bytesOf),
      addMembers: GroupRight.ADMINS,
      removeMembers: GroupRight.ADMINS,
      rename: GroupRight.ADMINS,
      replaces: [{ logId: bytesOf("01"), epoch: 3n }],
    }),
  );
  const people = [...new Set([own, ...admins, invitedBy])];
  const members = people.map((hexOfOne) => ({ accountId: bytesOf(hexOfOne), deviceId: bytesOf(hexOfOne) }));
  return {
    mls: { groupId: bytesOf(hex), groupData, members },
    sender: { accountId: bytesOf(invitedBy) },
    live: {
      reader: { phase: "attached", waiting: [], head: 0, epoch: 3 },
      record: {
        id: idOf(hex),
        kind: "group",
        state: "joined",
        cursor: 0,
        epoch: 3,
        data: groupData,
        accounts: people.map(idOf),
        ...(invitedBy !== own && { invitedBy: idOf(invitedBy) }),
      },
    },
  };
};

test("a device that was let in later goes on in the one group that counts, where who let it into that one decides in the other, and else in both", () => {
  const heard = (next: ReturnType<typeof heir>, present: ReturnType<typeof heir>) => {
    const byId = new Map([[present.live.record.id, present.live]]);
    const step = { live: { own: { account: idOf(own) }, groups: { byId } }, env: { nowMs: () => 0 } };
    const given = [step, next.mls, next.sender] as unknown as Parameters<typeof replacedBy>;
    const found = replacedBy(...given);
    return found === (present.live as unknown) ? "takes its place" : found;
  };
  const [low, high] = [heir("10", [admin, other], admin), heir("80", [admin, other], other)];
  expect(heard(high, low)).toBe("another is");
  expect(heard(low, high)).toBe("takes its place");
  // What lies in its log still may make somebody an admin, or take one out.
  const behind = { ...high.live, reader: { ...high.live.reader, head: 1 } };
  expect(heard(low, { ...high, live: behind })).toBe("unread");
  expect(heard(high, heir("10", [admin, other], own))).toBe("another is");
  // Who made it had not heard who went from the other meanwhile: whoever goes over takes them out.
  const without = (one: typeof low) => ({
    ...one,
    live: { ...one.live, record: { ...one.live.record, gone: [idOf(other)] } },
  });
  expect(heard(high, without(low))).toBe("another is");
  expect(heard(low, without(high))).toBe("takes its place");
  // A device that is out of the one that counts does not come into the other; into a better one it is invited like anybody.
  for (const state of ["removed", "left"]) {
    const outOf = (one: typeof low) => ({
      ...one,
      live: { ...one.live, record: { ...one.live.record, state } },
    });
    expect(heard(high, outOf(low))).toBe("another is");
    expect(heard(low, outOf(high))).toBeUndefined();
  }
  // Whoever lets it into the one that does not count need not decide anywhere: they are late.
  const late = heir("80", [admin], other);
  expect(heard(low, late)).toBe("takes its place");
  expect(heard(late, heir("10", [admin], own))).toBe("another is");
  expect(heard(heir("10", [admin], own), late)).toBe("takes its place");
  // Somebody names the old group in one of their own: that keeps this device out of none, and puts it out of none.
  const theirs = heir("02", [stranger], stranger);
  expect(heard(high, theirs)).toBeUndefined();
  expect(heard(theirs, high)).toBeUndefined();
  // Nor where they made others admins of it, who know nothing of that.
  expect(heard(high, heir("02", [stranger, other], stranger))).toBeUndefined();
});
