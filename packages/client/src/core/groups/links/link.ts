/**
 * The link of a group as text, what it is called without giving it away, and what is signed with it. Whoever holds one may ask, and no more:
 * it opens nothing. It stands in a fragment, which browsers never send. Pure.
 * @see spec/PROTOCOL.md, Links of groups
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GroupLinkSchema,
  ID_BYTES,
  LABELS,
  UsageError,
  decode,
  formatFingerprint,
  labelled,
  parseBase64Url,
  toBase64Url,
  toHex,
} from "@sotto/protocol";
import type { Env } from "../../env.ts";
import { bytesOf } from "../../hex.ts";
import { isGroupName, type Invite } from "../data.ts";

/** Most admins that one link names. */
export const mostHosts = 3;
const mostBytes = 1_024;
const keyBytes = 32;
const latestSec = 253_402_300_799n;
/** What stands before the link itself in an address. */
const linkPath = "#/join/";

/** What a link says, checked. */
export interface GroupLinkText extends Invite {
  /** Whom to ask: account in hexadecimal, identity key of 32 bytes. */
  readonly hosts: readonly { readonly account: string; readonly identityKey: Uint8Array }[];
  /** What the group is called, says the link. */
  readonly name: string;
  readonly serverFingerprint: Uint8Array;
}

/** The part of a link that follows `#/join/`, in base64url. */
export function formatGroupLink(link: GroupLinkText): string {
  return toBase64Url(
    toBinary(
      GroupLinkSchema,
      create(GroupLinkSchema, {
        secret: bytesOf(link.secret),
        expiresAtSec: BigInt(link.expiresAt),
        hosts: link.hosts.map(({ account, identityKey }) => ({ accountId: bytesOf(account), identityKey })),
        groupName: link.name,
        serverFingerprint: link.serverFingerprint,
      }),
    ),
  );
}

/** Reads a link: a whole address, or what follows `#/join/`. @throws UsageError `group_link_invalid`. */
export function parseGroupLink(text: string): GroupLinkText {
  const at = text.indexOf(linkPath);
  const bytes = parseBase64Url((at < 0 ? text : text.slice(at + linkPath.length)).trim());
  if (bytes === undefined || bytes.length === 0) throw invalid();
  const link = decoded(bytes);
  const { hosts } = link;
  const isFine =
    link.secret.length === ID_BYTES &&
    link.expiresAtSec <= latestSec &&
    hosts.length >= 1 &&
    hosts.length <= mostHosts &&
    hosts.every((host) => host.accountId.length === ID_BYTES && host.identityKey.length === keyBytes) &&
    isGroupName(link.groupName) &&
    link.serverFingerprint.length === keyBytes;
  if (!isFine) throw invalid();
  return {
    secret: toHex(link.secret),
    expiresAt: Number(link.expiresAtSec),
    hosts: hosts.map(({ accountId, identityKey }) => ({ account: toHex(accountId), identityKey })),
    name: link.groupName,
    serverFingerprint: link.serverFingerprint,
  };
}

/**
 * What a link says, for who has no account yet as well. Nobody has checked it. Times in seconds since 1970-01-01 UTC.
 * @throws UsageError `group_link_invalid`.
 */
export function readGroupLink(text: string): {
  readonly group: string;
  readonly expiresAt: number;
  /** Of the server: 43 characters of base64url. */
  readonly serverFingerprint: string;
} {
  const { name: group, expiresAt, serverFingerprint } = parseGroupLink(text);
  return { group, expiresAt, serverFingerprint: formatFingerprint(serverFingerprint) };
}

function decoded(bytes: Uint8Array) {
  try {
    return decode(GroupLinkSchema, bytes, mostBytes);
  } catch (cause) {
    throw invalid(cause);
  }
}

const invalid = (cause?: unknown): UsageError =>
  new UsageError("group_link_invalid", "that is no link of a group, or not all of it", { cause });

/** What a link is called where its secret must not stand: 16 bytes in hexadecimal. */
export async function linkIdOf({ crypto }: Pick<Env, "crypto">, secret: string): Promise<string> {
  const hash = await crypto.sha256(labelled(LABELS.groupLink, bytesOf(secret)));
  return toHex(hash.subarray(0, ID_BYTES));
}

/** What whoever asks signs. @param asked a serialized JoinAsked. */
export const askTranscript = (secret: string, asked: Uint8Array): Uint8Array =>
  labelled(LABELS.joinAsk, bytesOf(secret), asked);

/** What whoever answers signs. @param answered a serialized JoinAnswered. */
export const answerTranscript = (secret: string, answered: Uint8Array): Uint8Array =>
  labelled(LABELS.joinAnswer, bytesOf(secret), answered);
