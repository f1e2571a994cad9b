/** What a group says about itself (GroupContext extension 0xf501), and who may do what in it. Pure. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GroupDataSchema,
  GroupKind as WireKind,
  GroupRight,
  ID_BYTES,
  LIMITS,
  ValidationError,
  decode,
  parseHex,
  toHex,
  type GroupData,
} from "@sotto/protocol";
import { bytesOf } from "../hex.ts";
import type { GroupKind, GroupRecord } from "./records.ts";

/** A group's data, checked. Accounts in hexadecimal. */
export interface CheckedData {
  readonly kind: GroupKind;
  readonly name: string;
  readonly admins: readonly string[];
  readonly mayAdd: "admins" | "members";
  readonly mayRemove: "admins" | "members";
  /** Who may change name, picture and timer. */
  readonly mayRename: "admins" | "members";
  /** How long new texts are kept by default, in seconds; 0: for good. */
  readonly timerSec: number;
  /** Whose place this group takes, the last first. */
  readonly replaces: readonly Replaced[];
  /** Links by which people may ask to be let in. */
  readonly invites: readonly Invite[];
  /** SHA-256 of its picture in hexadecimal; empty: none. */
  readonly picture: string;
}

/** What makes a link of a group one. */
export interface Invite {
  /** 16 bytes in hexadecimal. */
  readonly secret: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly expiresAt: number;
}

/** A group that another took the place of, and the last epoch of it that the maker of that one knew. */
interface Replaced {
  readonly id: string;
  readonly epoch: number;
}

const wireKinds: Record<GroupKind, WireKind> = {
  pair: WireKind.PAIR,
  group: WireKind.GROUP,
  account: WireKind.ACCOUNT,
};
const longestName = 128;
const mostBytes = 65_536;
const mostReplaced = 16;
/** Most links that a group has at a time. */
export const mostInvites = 16;
/** Epochs beyond are nobody's. */
export const mostEpoch = BigInt(Number.MAX_SAFE_INTEGER);

const right = (who: "admins" | "members") => (who === "admins" ? GroupRight.ADMINS : GroupRight.MEMBERS);
const who = (given: GroupRight) => (given === GroupRight.MEMBERS ? "members" : "admins");

/** Serializes a group's data. */
export function encodeGroupData(data: CheckedData): Uint8Array {
  return toBinary(
    GroupDataSchema,
    create(GroupDataSchema, {
      kind: wireKinds[data.kind],
      name: data.name,
      admins: data.admins.map(bytesOf),
      addMembers: right(data.mayAdd),
      removeMembers: right(data.mayRemove),
      rename: right(data.mayRename),
      timerSec: data.timerSec,
      replaces: data.replaces.map(({ id, epoch }) => ({ logId: bytesOf(id), epoch: BigInt(epoch) })),
      invites: data.invites.map(({ secret, expiresAt }) => ({
        secret: bytesOf(secret),
        expiresAtSec: BigInt(expiresAt),
      })),
      pictureSha256: parseHex(data.picture) ?? new Uint8Array(),
    }),
  );
}

/** Reads a group's data. @throws ValidationError `mls_invalid` (SOTTO-GROUP-1). */
export function parseGroupData(bytes: Uint8Array): CheckedData {
  let data: GroupData;
  try {
    data = decode(GroupDataSchema, bytes, mostBytes);
  } catch (cause) {
    throw invalid("cannot be decoded", cause);
  }
  const kind = (Object.keys(wireKinds) as GroupKind[]).find((name) => wireKinds[name] === data.kind);
  if (kind === undefined) throw invalid("is of an unknown kind");
  if (data.admins.some((admin) => admin.length !== ID_BYTES)) throw invalid("names a malformed account");
  const admins = data.admins.map(toHex);
  if (new Set(admins).size !== admins.length) throw invalid("names an admin twice");
  if (admins.length > LIMITS.maxGroupMembers) throw invalid("names too many admins");
  if ((kind === "group") !== admins.length > 0) throw invalid("a group has admins, and nothing else has");
  if (kind === "group" ? !isGroupName(data.name) : data.name !== "") throw invalid("has a name that is none");
  if (data.timerSec > (kind === "account" ? 0 : LIMITS.maxTimerSec))
    throw invalid("has a timer that is none");
  if (data.replaces.length > mostReplaced) throw invalid("takes the place of too many");
  if (data.replaces.some(({ logId, epoch }) => logId.length !== ID_BYTES || epoch > mostEpoch))
    throw invalid("takes the place of what is no group");
  if (data.invites.length > (kind === "group" ? mostInvites : 0)) throw invalid("has too many links");
  if (data.invites.some(({ secret, expiresAtSec }) => secret.length !== ID_BYTES || expiresAtSec > mostEpoch))
    throw invalid("has a link that is none");
  const invites = data.invites.map((one) => ({
    secret: toHex(one.secret),
    expiresAt: Number(one.expiresAtSec),
  }));
  if (new Set(invites.map(({ secret }) => secret)).size !== invites.length) throw invalid("has a link twice");
  const { pictureSha256 } = data;
  if (pictureSha256.length !== 0 && (kind !== "group" || pictureSha256.length !== 32))
    throw invalid("has a picture that is none");
  return {
    kind,
    name: data.name,
    admins,
    mayAdd: who(data.addMembers),
    mayRemove: who(data.removeMembers),
    mayRename: who(data.rename),
    timerSec: data.timerSec,
    replaces: data.replaces.map(({ logId, epoch }) => ({ id: toHex(logId), epoch: Number(epoch) })),
    invites,
    picture: toHex(pictureSha256),
  };
}

/** Whether two groups have the same links. */
export const sameInvites = (one: CheckedData, other: CheckedData): boolean =>
  one.invites.length === other.invites.length &&
  one.invites.every(
    ({ secret, expiresAt }, i) =>
      secret === other.invites[i]?.secret && expiresAt === other.invites[i]?.expiresAt,
  );

/** Whether a text can be a group's name: 1 to 128 characters, no control characters, no space at its ends. */
export function isGroupName(name: string): boolean {
  return name.length >= 1 && name.length <= longestName && name.trim() === name && !/\p{Cc}/u.test(name);
}

/** The data of a new pair. */
export const pairData: CheckedData = {
  kind: "pair",
  name: "",
  admins: [],
  mayAdd: "members",
  mayRemove: "members",
  mayRename: "members",
  timerSec: 0,
  replaces: [],
  invites: [],
  picture: "",
};

/** The data of the group of an account's devices. */
export const accountData: CheckedData = { ...pairData, kind: "account" };

/** The data of a new group. */
export function newGroupData(name: string, admin: string): CheckedData {
  return {
    kind: "group",
    name,
    admins: [admin],
    mayAdd: "admins",
    mayRemove: "admins",
    mayRename: "admins",
    timerSec: 0,
    replaces: [],
    invites: [],
    picture: "",
  };
}

/** What a group says of itself that takes the place of another. */
export function inPlaceOf(data: CheckedData, { id, epoch, data: before }: GroupRecord): CheckedData {
  const replaces = [{ id, epoch }, ...parseGroupData(before).replaces].slice(0, mostReplaced);
  return { ...data, replaces };
}

function invalid(what: string, cause?: unknown): ValidationError {
  return new ValidationError("mls_invalid", `SOTTO-GROUP-1: the group's data ${what}`, { cause });
}
