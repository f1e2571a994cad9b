/** Who may be in a group and who may change it, what a group says about itself, what messages hold: each rule kept and broken. */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { MlsMember, StagedCommit } from "@sotto/crypto";
import {
  ContentSchema,
  DeviceListSchema,
  GroupDataSchema,
  GroupKind,
  GroupRight,
  ReceiptStatus,
  SottoError,
  TextSchema,
  toHex,
  type DeviceList,
} from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { encodeContent, parseContent } from "../src/core/groups/content.ts";
import {
  accountData,
  encodeGroupData,
  newGroupData,
  pairData,
  parseGroupData,
} from "../src/core/groups/data.ts";
import { checkContinued, checkSuccessor, type Continued, type Known } from "../src/core/groups/continuing.ts";
import { checkCommit, checkJoin, isRevokedBefore, standing } from "../src/core/groups/membership.ts";

const filled = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
const account = (n: number): Uint8Array => filled(n, 16);
const hex = (n: number): string => toHex(account(n));
const [ann, bob, cleo, dora] = [1, 2, 3, 4] as const;

/** The device number `n` of an account, at some leaf. */
const leaf = (who: number, n = 1, key = n): MlsMember => ({
  leafIndex: 10 * who + n,
  accountId: account(who),
  deviceId: filled(100 + 10 * who + n, 16),
  signatureKey: filled(100 + 10 * who + key, 32),
  fromKeyPackage: false,
});

/** A list with devices 1 and 2 in use, and 3 revoked. */
const listOf = (who: number): DeviceList =>
  create(DeviceListSchema, {
    accountId: account(who),
    devices: [1, 2, 3].map((n) => ({
      deviceId: leaf(who, n).deviceId,
      signatureKey: leaf(who, n).signatureKey,
      revokedAtSec: n === 3 ? 5n : 0n,
    })),
  });
const lists = (id: string): DeviceList | undefined =>
  [ann, bob, cleo, dora].map(listOf).find((list) => toHex(list.accountId) === id);

const choir = newGroupData("Choir", hex(ann));
const free = { ...choir, mayAdd: "members", mayRemove: "members", mayRename: "members" } as const;

/** What a rule that is broken says: code and id. */
function broken(work: () => unknown): string {
  try {
    return `kept: ${JSON.stringify(work())}`;
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause;
    return `${cause.code} ${/^SOTTO-[A-Z]+-\d+/.exec(cause.message)?.[0] ?? ""}`;
  }
}
const fine = 'kept: {"type":"fine"}';

test("what a device wrote before its revocation, or in the same second, is good", () => {
  expect(isRevokedBefore(leaf(bob, 3), listOf(bob), 4_000)).toBe(false);
  expect(isRevokedBefore(leaf(bob, 3), listOf(bob), 5_999)).toBe(false);
  expect(isRevokedBefore(leaf(bob, 3), listOf(bob), 6_000)).toBe(true);
  expect(isRevokedBefore(leaf(bob), listOf(bob), 6_000)).toBe(false);
});

test("a leaf is a device in use only with the very key of the list", () => {
  expect(standing(leaf(bob), listOf(bob))).toBe("in-use");
  expect(standing(leaf(bob, 3), listOf(bob))).toBe("revoked");
  expect(standing(leaf(bob, 1, 2), listOf(bob))).toBe("foreign");
  expect(standing(leaf(bob, 4), listOf(bob))).toBe("foreign");
  expect(standing(leaf(bob), listOf(cleo))).toBe("foreign");
});

const join = (members: readonly MlsMember[], data = choir, sender = leaf(ann), ownAccount = hex(bob)) =>
  broken(() => checkJoin({ members, sender, data: encodeGroupData(data), ownAccount }, lists));

describe("joining", () => {
  test("what keeps the rules is fine; revoked devices that nobody has removed yet do no harm", () => {
    expect(join([leaf(ann), leaf(bob), leaf(cleo, 3)])).toBe(fine);
    expect(join([leaf(ann), leaf(bob)], pairData)).toBe(fine);
    expect(join([leaf(bob), leaf(bob, 2)], accountData, leaf(bob, 2))).toBe(fine);
  });

  test("SOTTO-JOIN-1: a pair has two people at most", () => {
    expect(join([leaf(ann), leaf(ann, 2), leaf(bob)], pairData)).toBe(fine);
    expect(join([leaf(ann), leaf(bob), leaf(cleo)], pairData)).toBe("mls_invalid SOTTO-JOIN-1");
  });

  test("SOTTO-JOIN-2: the group of the own devices has nobody else's", () => {
    expect(join([leaf(ann), leaf(bob)], accountData)).toBe("mls_invalid SOTTO-JOIN-2");
    expect(join([leaf(ann)], accountData)).toBe("mls_invalid SOTTO-JOIN-2");
  });

  test("SOTTO-JOIN-3: somebody in a group is an admin", () => {
    expect(join([leaf(bob), leaf(cleo)], choir, leaf(cleo))).toBe("mls_invalid SOTTO-JOIN-3");
  });

  test("SOTTO-JOIN-4: every leaf is a device of its account", () => {
    expect(join([leaf(ann), leaf(bob), leaf(cleo, 4)])).toBe("mls_invalid SOTTO-JOIN-4");
    expect(join([leaf(ann), leaf(bob), leaf(cleo, 1, 2)])).toBe("mls_invalid SOTTO-JOIN-4");
  });

  test("SOTTO-JOIN-5: who sent the Welcome is a device in use, or somebody else has to say so", () => {
    expect(join([leaf(ann, 3), leaf(bob)], choir, leaf(ann, 3))).toBe('kept: {"type":"revoked"}');
  });

  test("asks for the lists that it lacks, all at once", () => {
    const members = [leaf(ann), leaf(bob), leaf(9), leaf(8)];
    const asked = 'kept: {"type":"ask","accounts":["' + hex(9) + '","' + hex(8) + '"]}';
    expect(join(members)).toBe(asked);
  });
});

describe("Commits", () => {
  const people = [leaf(ann), leaf(bob), leaf(bob, 2), leaf(cleo)];
  const commit = (
    changes: Partial<Omit<StagedCommit, "groupData">> & { readonly data?: typeof choir },
    before: { readonly data?: typeof choir; readonly leaving?: readonly string[] } = {},
  ) => {
    const { data, ...rest } = changes;
    const staged = {
      sender: leaf(bob),
      added: [],
      removed: [],
      removesSelf: false,
      epoch: 2,
      groupData: data && encodeGroupData(data),
      ...rest,
    } as unknown as StagedCommit;
    const record = {
      data: encodeGroupData(before.data ?? choir),
      accounts: [hex(ann), hex(bob), hex(cleo)],
      ...(before.leaving !== undefined && { leaving: before.leaving }),
    };
    return broken(() => checkCommit(staged, { record, members: people }, lists));
  };

  test("one that only renews a leaf is anybody's", () => {
    expect(commit({})).toBe(fine);
    expect(commit({ data: choir })).toBe(fine);
  });

  test("SOTTO-COMMIT-1: what a group takes the place of stays", () => {
    const replaced = { id: hex(7), epoch: 5 };
    const next = { ...choir, replaces: [replaced] };
    expect(commit({ sender: leaf(ann), data: next })).toBe("mls_invalid SOTTO-COMMIT-1");
    expect(commit({ sender: leaf(ann), data: choir }, { data: next })).toBe("mls_invalid SOTTO-COMMIT-1");
    const later = { ...choir, replaces: [{ ...replaced, epoch: 6 }] };
    expect(commit({ sender: leaf(ann), data: later }, { data: next })).toBe("mls_invalid SOTTO-COMMIT-1");
    expect(commit({ sender: leaf(ann), data: { ...next, name: "Band" } }, { data: next })).toBe(fine);
  });

  test("SOTTO-COMMIT-1: the kind stays", () => {
    expect(commit({ sender: leaf(ann), data: pairData })).toBe("mls_invalid SOTTO-COMMIT-1");
    expect(commit({ data: accountData }, { data: pairData })).toBe("mls_invalid SOTTO-COMMIT-1");
  });

  test.each([
    ["name", { name: "Band" }],
    ["timer", { timerSec: 60 }],
    ["picture", { picture: "ab".repeat(32) }],
  ])("SOTTO-COMMIT-2: the %s is changed by who may rename", (_, change) => {
    const changed = { ...choir, ...change };
    expect(commit({ data: changed })).toBe("group_forbidden SOTTO-COMMIT-2");
    expect(commit({ sender: leaf(ann), data: changed })).toBe(fine);
    expect(commit({ data: { ...free, ...change } }, { data: free })).toBe(fine);
  });

  test("SOTTO-COMMIT-2: both of a pair may set its timer", () => {
    expect(commit({ data: { ...pairData, timerSec: 60 } }, { data: pairData })).toBe(fine);
  });

  test.each([
    ["admins", { ...choir, admins: [hex(bob)] }],
    ["one more admin", { ...choir, admins: [hex(ann), hex(bob)] }],
    ["who may add", { ...choir, mayAdd: "members" }],
    ["who may remove", { ...choir, mayRemove: "members" }],
    ["who may rename", { ...choir, mayRename: "members" }],
  ] as const)("SOTTO-COMMIT-3: only admins change who may do what: %s", (_, data) => {
    expect(commit({ data })).toBe("group_forbidden SOTTO-COMMIT-3");
    expect(commit({ sender: leaf(ann), data })).toBe(fine);
  });

  test("SOTTO-COMMIT-3: the order of admins says nothing; in a pair nobody changes rights", () => {
    const two = { ...choir, admins: [hex(ann), hex(cleo)] };
    expect(commit({ data: { ...two, admins: [hex(cleo), hex(ann)] } }, { data: two })).toBe(fine);
    const changed = { ...pairData, mayAdd: "admins" } as const;
    expect(commit({ data: changed }, { data: pairData })).toBe("group_forbidden SOTTO-COMMIT-3");
  });

  test("SOTTO-COMMIT-9: links are made and taken back by who may add people", () => {
    const invites = [{ secret: hex(9), expiresAt: 1_700_000_000 }];
    const linked = { ...choir, invites };
    const later = { ...choir, invites: [{ secret: hex(9), expiresAt: 1_700_000_001 }] };
    expect(commit({ data: linked })).toBe("group_forbidden SOTTO-COMMIT-9");
    expect(commit({ data: choir }, { data: linked })).toBe("group_forbidden SOTTO-COMMIT-9");
    expect(commit({ data: later }, { data: linked })).toBe("group_forbidden SOTTO-COMMIT-9");
    expect(commit({ sender: leaf(ann), data: linked })).toBe(fine);
    expect(commit({ data: { ...free, invites } }, { data: free })).toBe(fine);
  });

  test("SOTTO-COMMIT-4: people are added by who may add, to a pair or account by nobody", () => {
    const added = [leaf(dora)];
    expect(commit({ added })).toBe("group_forbidden SOTTO-COMMIT-4");
    expect(commit({ added, sender: leaf(ann) })).toBe(fine);
    expect(commit({ added }, { data: free })).toBe(fine);
    expect(commit({ added }, { data: pairData })).toBe("group_forbidden SOTTO-COMMIT-4");
    expect(commit({ added }, { data: accountData })).toBe("group_forbidden SOTTO-COMMIT-4");
    // Another device of somebody who is in it is anybody's to add.
    expect(commit({ added: [leaf(cleo, 2)] })).toBe(fine);
    expect(commit({ added: [leaf(cleo, 2)] }, { data: pairData })).toBe(fine);
  });

  test("SOTTO-COMMIT-5: an added leaf is a device of its account; one that was revoked since does no harm", () => {
    expect(commit({ added: [leaf(cleo, 3)] })).toBe(fine);
    for (const member of [leaf(cleo, 4), leaf(cleo, 2, 1), leaf(cleo, 3, 1)]) {
      expect(commit({ added: [member] })).toBe("mls_invalid SOTTO-COMMIT-5");
      expect(commit({ added: [member], sender: leaf(ann) })).toBe("mls_invalid SOTTO-COMMIT-5");
    }
  });

  test("SOTTO-COMMIT-6: who is left has an admin", () => {
    expect(commit({ removed: [leaf(ann)] }, { leaving: [hex(ann)] })).toBe("mls_invalid SOTTO-COMMIT-6");
    const absent = { ...choir, admins: [hex(dora)] };
    expect(commit({ sender: leaf(ann), data: absent })).toBe("mls_invalid SOTTO-COMMIT-6");
    expect(commit({ sender: leaf(ann), data: absent, added: [leaf(dora)] })).toBe(fine);
    // Of several devices of an admin, one is enough.
    const mine = { ...choir, admins: [hex(bob)] };
    expect(commit({ removed: [leaf(bob, 2)] }, { data: mine })).toBe(fine);
  });

  test("SOTTO-COMMIT-7: a device in use is removed by who may remove people", () => {
    const removed = [leaf(cleo)];
    expect(commit({ removed })).toBe("group_forbidden SOTTO-COMMIT-7");
    expect(commit({ removed, sender: leaf(ann) })).toBe(fine);
    expect(commit({ removed }, { data: free })).toBe(fine);
    expect(commit({ removed }, { data: pairData })).toBe("group_forbidden SOTTO-COMMIT-7");
  });

  test("SOTTO-COMMIT-7: but anybody takes out what is revoked, what leaves, what comes back, and one's own", () => {
    expect(commit({ removed: [leaf(cleo, 3)] })).toBe(fine);
    expect(commit({ removed: [leaf(cleo, 4)] }, { data: pairData })).toBe(fine);
    expect(commit({ removed: [leaf(cleo)] }, { leaving: [hex(cleo)] })).toBe(fine);
    expect(commit({ removed: [leaf(bob, 2)] })).toBe(fine);
    expect(commit({ removed: [leaf(cleo)], added: [leaf(cleo)] })).toBe(fine);
    // Another device of the same person is none that comes back.
    const other = { removed: [leaf(cleo)], added: [leaf(cleo, 2)] };
    expect(commit(other)).toBe("group_forbidden SOTTO-COMMIT-7");
  });

  test("a rule that needs no list is broken before lists are asked for; else all are asked for at once", () => {
    expect(commit({ added: [leaf(9)] })).toBe("group_forbidden SOTTO-COMMIT-4");
    const asked = 'kept: {"type":"ask","accounts":["' + hex(9) + '","' + hex(8) + '"]}';
    expect(commit({ added: [leaf(9), leaf(8)], sender: leaf(ann) })).toBe(asked);
  });
});

describe("what takes a group's place, or goes on where it ended", () => {
  const all = [ann, bob, cleo].map(hex);
  const known: Known = { kind: "group", state: "healing", data: encodeGroupData(choir), accounts: all };
  const next: Continued = { accounts: all, data: choir, sender: hex(ann), isLater: false };
  const pair = {
    ...known,
    kind: "pair" as const,
    data: encodeGroupData(pairData),
    accounts: [hex(ann), hex(bob)],
  };
  const nextPair = { ...next, data: pairData, accounts: pair.accounts };
  const ok = "kept: undefined";
  /** What Bob's device says. */
  const successor = (changes: Partial<Continued>, before: Partial<Known> = {}) =>
    broken(() => checkSuccessor({ ...known, ...before }, { ...next, ...changes }, hex(bob)));
  const continued = (changes: Partial<Continued>, before: Partial<Known> = {}) =>
    broken(() => checkContinued({ ...known, ...before }, { ...next, ...changes }, hex(bob)));

  test("SOTTO-WELCOME-9: an admin puts a group in another's place, or a device of one's own account", () => {
    expect(successor({})).toBe(ok);
    expect(successor({ sender: hex(bob) })).toBe(ok);
    expect(successor({ sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-9");
    expect(successor({ sender: hex(cleo), isLater: true })).toBe("group_forbidden SOTTO-WELCOME-9");
    expect(successor({ sender: hex(dora) })).toBe("group_forbidden SOTTO-WELCOME-9");
    // An admin who is in it no more.
    const removed = { accounts: [hex(bob), hex(cleo)] };
    expect(successor(removed, removed)).toBe("group_forbidden SOTTO-WELCOME-9");
    // One who said that they leave decides nothing more, unless all admins do: then whoever stays does.
    const two = { data: encodeGroupData({ ...choir, admins: [hex(ann), hex(cleo)] }) };
    expect(successor({}, { ...two, leaving: [hex(ann)] })).toBe("group_forbidden SOTTO-WELCOME-9");
    const stay = { data: { ...choir, admins: [hex(bob), hex(cleo)] }, accounts: [hex(bob), hex(cleo)] };
    expect(successor({ ...stay, sender: hex(cleo) }, { leaving: [hex(ann)] })).toBe(ok);
  });

  test("SOTTO-WELCOME-9: whoever lost it for themselves takes any member's word for what came later", () => {
    const lost = { why: "own", atMs: 0 } as const;
    const data = { ...choir, admins: [hex(ann), hex(cleo)] };
    const made = { data, sender: hex(cleo), isLater: true };
    expect(successor(made, { lost })).toBe(ok);
    // Of the epoch that it knows, it knows who decides; what the log did to it is somebody's to gain by.
    expect(successor({ ...made, isLater: false }, { lost })).toBe("group_forbidden SOTTO-WELCOME-9");
    for (const why of ["commit", "log"] as const)
      expect(successor(made, { lost: { ...lost, why } })).toBe("group_forbidden SOTTO-WELCOME-9");
    expect(successor({ ...made, sender: hex(dora) }, { lost })).toBe("group_forbidden SOTTO-WELCOME-9");
    const back = { ...made, accounts: [...all, hex(dora)] };
    expect(successor(back, { lost, gone: [hex(dora)] })).toBe("group_forbidden SOTTO-WELCOME-10");
  });

  test("SOTTO-WELCOME-9: it stays of its kind, and whoever left is not taken along", () => {
    expect(successor({ data: pairData })).toBe("group_forbidden SOTTO-WELCOME-9");
    for (const state of ["left", "removed"] as const)
      expect(successor({}, { state })).toBe("group_forbidden SOTTO-WELCOME-9");
    expect(successor({}, { state: "joined" })).toBe(ok);
  });

  test("SOTTO-WELCOME-10: whoever was removed or left does not come back by it, whoever made it", () => {
    const back = { accounts: [...all, hex(dora)] };
    for (const isLater of [false, true]) {
      expect(successor({ ...back, isLater }, { gone: [hex(dora)] })).toBe("group_forbidden SOTTO-WELCOME-10");
      expect(continued({ ...back, isLater }, { gone: [hex(dora)] })).toBe("group_forbidden SOTTO-WELCOME-10");
    }
    expect(successor({ isLater: true }, { gone: [hex(dora)] })).toBe(ok);
  });

  test("SOTTO-WELCOME-11: nobody is in it who was not known, but those whom an admin added later", () => {
    const more = { accounts: [...all, hex(dora)] };
    expect(successor(more)).toBe("group_forbidden SOTTO-WELCOME-11");
    expect(successor({ ...more, isLater: true })).toBe(ok);
    expect(continued({ ...more, isLater: true, sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-11");
    // A pair keeps its two people whatever the epoch.
    const other = { ...nextPair, accounts: [hex(bob), hex(dora)], isLater: true, sender: hex(bob) };
    expect(successor(other, pair)).toBe("group_forbidden SOTTO-WELCOME-11");
    expect(successor(nextPair, pair)).toBe(ok);
  });

  test("SOTTO-WELCOME-12: admins and rights stay, unless an admin changed them later", () => {
    for (const data of [
      { ...choir, admins: [hex(ann), hex(bob)] },
      { ...choir, admins: [hex(bob)] },
      { ...choir, mayAdd: "members" },
      { ...choir, mayRemove: "members" },
      { ...choir, mayRename: "members" },
    ] as const) {
      expect(successor({ data })).toBe("group_forbidden SOTTO-WELCOME-12");
      expect(successor({ data, isLater: true })).toBe(ok);
      expect(continued({ data, isLater: true, sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-12");
    }
    // An admin who is not in it any more has no rights to keep; name and timer are for who may rename.
    const two = { data: encodeGroupData({ ...choir, admins: [hex(ann), hex(cleo)] }) };
    expect(successor({ accounts: [hex(ann), hex(bob)], data: choir }, two)).toBe(ok);
    for (const data of [
      { ...choir, name: "Band" },
      { ...choir, timerSec: 60 },
      { ...choir, picture: "ab".repeat(32) },
    ]) {
      expect(successor({ data })).toBe(ok);
      expect(continued({ data, sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-12");
      const renamed = { ...free, name: data.name, timerSec: data.timerSec, picture: data.picture };
      expect(continued({ data: renamed, sender: hex(cleo) }, { data: encodeGroupData(free) })).toBe(ok);
    }
    const linked = { ...choir, invites: [{ secret: hex(9), expiresAt: 1 }] };
    expect(successor({ data: linked })).toBe(ok);
    expect(continued({ data: linked, sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-12");
    expect(successor({ ...nextPair, data: { ...pairData, timerSec: 60 } }, pair)).toBe(ok);
  });

  test("SOTTO-WELCOME-13: somebody is left out by an admin only, of a pair nobody is", () => {
    const fewer = { accounts: [hex(ann), hex(bob)] };
    expect(successor(fewer)).toBe(ok);
    expect(continued(fewer)).toBe(ok);
    expect(continued({ ...fewer, sender: hex(cleo) })).toBe("group_forbidden SOTTO-WELCOME-13");
    const { accounts } = fewer;
    expect(continued({ accounts, sender: hex(dora) }, { leaving: [hex(cleo)] })).toBe(ok);
    const alone = { ...nextPair, accounts: [hex(bob)], sender: hex(bob) };
    expect(successor(alone, pair)).toBe("group_forbidden SOTTO-WELCOME-13");
  });
});

const dataOf = (data: MessageInitShape<typeof GroupDataSchema>): Uint8Array =>
  toBinary(GroupDataSchema, create(GroupDataSchema, data));

describe("a group's data", () => {
  const group = { kind: GroupKind.GROUP, name: "Choir", admins: [account(ann)] };

  const replaces = Array.from({ length: 16 }, (_, i) => ({ id: hex(i), epoch: i }));
  const replacing = { ...choir, replaces };
  const invites = Array.from({ length: 16 }, (_, i) => ({ secret: hex(i), expiresAt: i }));
  test.each([
    choir,
    { ...choir, invites, picture: "ab".repeat(32) },
    free,
    pairData,
    accountData,
    { ...pairData, timerSec: 31_536_000 },
    replacing,
  ])("what was written is read: %o", (data) => {
    expect(parseGroupData(encodeGroupData(data))).toEqual(data);
  });

  test("a right that is not MEMBERS is the admins'", () => {
    for (const right of [GroupRight.UNSPECIFIED, GroupRight.ADMINS, 9 as GroupRight]) {
      expect(parseGroupData(dataOf({ ...group, addMembers: right })).mayAdd).toBe("admins");
    }
    expect(parseGroupData(dataOf({ ...group, addMembers: GroupRight.MEMBERS })).mayAdd).toBe("members");
  });

  test("SOTTO-GROUP-1: names have 1 to 128 code units, no control characters, no space at their ends", () => {
    for (const name of ["x", "x".repeat(128), "Chœur 🎵", "a b"]) {
      expect(parseGroupData(dataOf({ ...group, name })).name).toBe(name);
    }
    for (const name of ["", "x".repeat(129), "a\nb", "a\u0000", "\u0085a", "a\u007f", " a", "a\u00a0"]) {
      expect(broken(() => parseGroupData(dataOf({ ...group, name })))).toBe("mls_invalid SOTTO-GROUP-1");
    }
  });

  test.each([
    ["no kind", { ...group, kind: GroupKind.UNSPECIFIED }],
    ["an unknown kind", { ...group, kind: 9 as GroupKind }],
    ["a group without admins", { ...group, admins: [] }],
    ["an admin of 15 bytes", { ...group, admins: [filled(1, 15)] }],
    ["an admin twice", { ...group, admins: [account(1), account(1)] }],
    [
      "1,001 admins",
      {
        ...group,
        admins: Array.from({ length: 1001 }, (_, i) =>
          filled(1, 16)
            .fill(i >> 8, 0, 4)
            .fill(i, 4),
        ),
      },
    ],
    ["the place of a log of 15 bytes", { ...group, replaces: [{ logId: filled(1, 15), epoch: 1n }] }],
    ["an epoch that is none", { ...group, replaces: [{ logId: filled(1, 16), epoch: 2n ** 53n }] }],
    [
      "the place of 17 groups",
      { ...group, replaces: Array.from({ length: 17 }, () => ({ logId: account(1) })) },
    ],
    ["a link of 15 bytes", { ...group, invites: [{ secret: filled(1, 15) }] }],
    ["a link twice", { ...group, invites: [{ secret: account(1) }, { secret: account(1) }] }],
    ["a link for ever", { ...group, invites: [{ secret: account(1), expiresAtSec: 2n ** 53n }] }],
    ["17 links", { ...group, invites: Array.from({ length: 17 }, (_, i) => ({ secret: account(i) })) }],
    ["a pair with a link", { kind: GroupKind.PAIR, invites: [{ secret: account(1) }] }],
    ["a picture of 31 bytes", { ...group, pictureSha256: filled(1, 31) }],
    ["a pair with a picture", { kind: GroupKind.PAIR, pictureSha256: filled(1, 32) }],
    ["a pair with a name", { kind: GroupKind.PAIR, name: "Choir" }],
    ["a pair with an admin", { kind: GroupKind.PAIR, admins: [account(1)] }],
    ["a timer of more than a year", { ...group, timerSec: 31_536_001 }],
    ["an account with a timer", { kind: GroupKind.ACCOUNT, timerSec: 1 }],
    ["an account with an admin", { kind: GroupKind.ACCOUNT, admins: [account(1)] }],
  ])("SOTTO-GROUP-1: refused: %s", (_, data) => {
    expect(broken(() => parseGroupData(dataOf(data)))).toBe("mls_invalid SOTTO-GROUP-1");
  });

  test("SOTTO-GROUP-1: refused: what is no GroupData", () => {
    expect(broken(() => parseGroupData(filled(255, 20)))).toBe("mls_invalid SOTTO-GROUP-1");
    expect(broken(() => parseGroupData(new Uint8Array()))).toBe("mls_invalid SOTTO-GROUP-1");
  });
});

const contentOf = (content: MessageInitShape<typeof ContentSchema>): Uint8Array =>
  toBinary(ContentSchema, create(ContentSchema, { id: account(7), ...content }));
const text = (body: string, more: MessageInitShape<typeof TextSchema> = {}) =>
  ({ body: { case: "text", value: { body, ...more } } }) as const;
const name = (accountBytes = 16, idBytes = 16) => ({
  accountId: filled(1, accountBytes),
  messageId: filled(2, idBytes),
});
const reaction = (emoji: string, message = name()) =>
  ({ body: { case: "reaction", value: { message, emoji } } }) as const;
const edit = (body: string) => ({ messageId: account(2), body });
const receipt = (messageIds: Uint8Array[], status = ReceiptStatus.READ) =>
  ({ body: { case: "receipt", value: { status, messageIds } } }) as const;

const claim = (from: string) => parseContent(contentOf({ from, ...text("x") })).claim;

describe("what messages hold", () => {
  test.each([
    { type: "text", text: "Grüße 🎵" },
    { type: "receipt", status: "read", ids: [hex(1), hex(2)] },
    { type: "receipt", status: "delivered", ids: [] },
    { type: "leave" },
    {
      type: "text",
      text: "yes",
      replyTo: { account: hex(1), id: hex(2), excerpt: "shall we" },
      forwarded: true,
      expiresAfterSec: 31_536_000,
    },
    { type: "reaction", target: { account: hex(1), id: hex(2) }, emoji: "👨‍👩‍👧‍👦" },
    { type: "reaction", target: { account: hex(1), id: hex(2) }, emoji: "" },
    { type: "edit", message: hex(2), text: "new" },
    { type: "delete", message: hex(2) },
  ] as const)("what was written is read: %o", (body) => {
    const written = encodeContent({ id: hex(7), sentAtMs: 1_795_464_000_123, from: "ann@example.org", body });
    const read = { id: hex(7), sentAtMs: 1_795_464_000_123, claim: "ann@example.org", body };
    expect(parseContent(written)).toEqual(read);
  });

  test("a claim counts only in its normal form", () => {
    expect(claim("+15551230001")).toBe("+15551230001");
    for (const from of ["", "Ann@Example.org", "+1 555 123 0001", "Ann", "a@b"]) {
      expect(claim(from)).toBeUndefined();
    }
  });

  test("what this version does not know is told as unknown, not dropped", () => {
    expect(parseContent(contentOf({})).body).toEqual({ type: "unknown" });
    const odd = receipt([account(1)], 9 as ReceiptStatus);
    expect(parseContent(contentOf(odd)).body).toEqual({ type: "unknown" });
    // A body of a later version (field 60), alone and beside one that is known.
    const later = [0xe2, 0x03, 2, 1, 2];
    expect(parseContent(Uint8Array.from([...contentOf({}), ...later])).body).toEqual({ type: "unknown" });
    const both = Uint8Array.from([...contentOf(text("x")), ...later]);
    expect(parseContent(both).body).toEqual({ type: "text", text: "x" });
  });

  test("fields that this version does not know change nothing of what it knows", () => {
    // Field 60 of the text, and of the quotation in it.
    const quote = [0x0a, 36, 0x0a, 16, ...account(1), 0x12, 16, ...account(2), 0xe2, 0x03, 1, 9];
    const body = [0x0a, 1, 0x78, 0x12, quote.length, ...quote, 0xe0, 0x03, 7];
    const bytes = Uint8Array.from([...contentOf({}), 0x1a, body.length, ...body]);
    const replyTo = { account: hex(1), id: hex(2), excerpt: "" };
    expect(parseContent(bytes).body).toEqual({ type: "text", text: "x", replyTo });
  });

  test.each<[string, MessageInitShape<typeof ContentSchema>]>([
    ["an id of 15 bytes", { id: filled(1, 15), ...text("x") }],
    ["no id", { id: new Uint8Array(), ...text("x") }],
    ["a time after the year 9999", { sentAtMs: 253_402_300_800_000n, ...text("x") }],
    ["a text of 65,537 bytes", text("x".repeat(65_537))],
    ["a text of 65,538 bytes in fewer characters", text("é".repeat(32_769))],
    ["an answer to no message", text("x", { replyTo: {} })],
    ["an answer to an id of 15 bytes", text("x", { replyTo: { message: name(16, 15) } })],
    ["an answer to an account of 17 bytes", text("x", { replyTo: { message: name(17, 16) } })],
    ["an excerpt of 513 bytes", text("x", { replyTo: { message: name(), excerpt: "x".repeat(513) } })],
    ["a timer of more than a year", text("x", { expiresAfterSec: 31_536_001 })],
    ["a reaction to nothing", { body: { case: "reaction", value: { emoji: "👍" } } }],
    ["a reaction to an id of 15 bytes", reaction("👍", name(16, 15))],
    ["a reaction in words", reaction("fine")],
    ["a reaction of two emoji", reaction("👍👍")],
    ["an edit of nothing", { body: { case: "edit", value: { body: "x" } } }],
    ["an edit of 65,537 bytes", { body: { case: "edit", value: edit("x".repeat(65_537)) } }],
    ["taking back nothing", { body: { case: "delete", value: {} } }],
    ["a receipt for 1,025 messages", receipt(Array.from({ length: 1_025 }, () => account(1)))],
    ["a receipt for an id of 17 bytes", receipt([filled(1, 17)])],
  ])("SOTTO-CONTENT-1: refused: %s", (_, content) => {
    expect(broken(() => parseContent(contentOf(content)))).toBe("message_refused SOTTO-CONTENT-1");
  });

  test("SOTTO-CONTENT-1: refused: what is no Content; taken: the largest that keeps the limits", () => {
    expect(broken(() => parseContent(filled(255, 20)))).toBe("message_refused SOTTO-CONTENT-1");
    expect(parseContent(contentOf(text("x".repeat(65_536)))).body.type).toBe("text");
    const ids = Array.from({ length: 1_024 }, () => account(1));
    expect(parseContent(contentOf(receipt(ids))).body.type).toBe("receipt");
  });
});
