/**
 * Requests as they come in. A link may be in anybody's hands, so a request costs little until it is known to be made with the link, by a
 * device of the account that it names; what waits is bounded, and what was answered comes to nothing when it comes again.
 */
import {
  ID_BYTES,
  JoinAskedSchema,
  JoinVerdict,
  LIMITS,
  SottoError,
  TransportError,
  ValidationError,
  decode,
  equalBytes,
  parseIdentifier,
  toHex,
  type JoinAsked,
  type JoinRequest,
} from "@sotto/protocol";
import { isBarredAccount } from "../../barred.ts";
import { ensureContact } from "../../contacts.ts";
import { isFresh, pinned } from "../../directory.ts";
import { isDisplayName } from "../../display-name.ts";
import { lookUp } from "../../lookups.ts";
import { addNotice } from "../../notices.ts";
import { takeName } from "../../profile.ts";
import { nextOrder, nowSec, type Step } from "../../step.ts";
import { askClaim, isClaimOpen } from "../claims.ts";
import { parseGroupData } from "../data.ts";
import { goOnSoon, lookAgainLater, retryLater, type ItemVerdict } from "../held-items.ts";
import { isLive } from "../level.ts";
import { nameOfAccount } from "../naming.ts";
import { groupsOf } from "../overview.ts";
import type { GroupLive } from "../state.ts";
import { askTranscript, linkIdOf } from "./link.ts";
import { linkNames } from "./records.ts";
import { answer } from "./answering.ts";
import { mayLetIn, tellRequests } from "./following.ts";

const done: ItemVerdict = { type: "done" };
/** Most requests that wait in one group. */
const mostRequests = 100;
/** For clocks that differ. */
const newestMs = 86_400_000;
const mostBytes = 4_096;

/** A link that is, or was, one of a group that we are in. */
interface FoundLink {
  readonly group: GroupLive;
  readonly secret: string;
  readonly isOpen: boolean;
}

/** Takes a request in. @throws ValidationError `message_refused` (SOTTO-ASK-1), CodecError. */
export async function takeJoin(step: Step, order: number, request: JoinRequest): Promise<ItemVerdict> {
  const asked = decode(JoinAskedSchema, request.asked, mostBytes);
  const ids = [asked.linkId, asked.accountId, asked.deviceId];
  if (ids.some((id) => id.length !== ID_BYTES)) throw refused("names what is no id");
  const found = await findLink(step, toHex(asked.linkId));
  if (found === undefined) return done;
  const { group, secret } = found;
  const account = toHex(asked.accountId);
  const askedAtMs = Number(asked.askedAtMs);
  const ageMs = step.env.nowMs() - askedAtMs;
  if (ageMs > LIMITS.retentionSec * 1000 || ageMs < -newestMs) return done;
  if (group.record.state === "healing") return lookAgainLater(step, order, 60_000);
  // What we have not read yet may be the answer.
  if (!isLive(group)) return lookAgainLater(step, order);
  if (!mayLetIn(group, step.live.own.account)) return done;
  if (await isAnswered(step, group, account, askedAtMs)) return done;
  const asker = await askerOf(step, order, account);
  if (asker !== undefined) return asker;
  await check(step, request, asked, secret);
  const told = { link: toHex(asked.linkId), secret, account, device: toHex(asked.deviceId), askedAtMs };
  if (!found.isOpen) {
    await answer(step, group, told, JoinVerdict.CLOSED);
    return done;
  }
  const id = toHex((await step.env.crypto.sha256(request.signature)).subarray(0, ID_BYTES));
  const { conversation } = group.record;
  if ((await step.draft.get(linkNames.refused(conversation)))?.includes(id) === true) return done;
  const waiting = await step.draft.page(linkNames.requests(conversation));
  const before = waiting.find(({ value }) => value.account === account);
  if (before === undefined && waiting.length >= mostRequests) return done;
  if (before !== undefined && before.value.askedAtMs >= askedAtMs) return done;
  const claim = claimed(asked.from);
  if (claim !== undefined && (await isClaimOpen(step, account, claim))) {
    await askClaim(step, account, claim, async (later) => goOnSoon(later, order));
    return { type: "wait" };
  }
  await ensureContact(step, { account });
  if (isDisplayName(asked.name)) await takeName(step, account, { name: asked.name, changedAtMs: askedAtMs });
  const place = before?.order ?? nextOrder(step);
  step.draft.putItem(linkNames.requests(conversation), place, { id, ...told });
  tellRequests(step, group);
  if (before !== undefined) return done;
  const { name } = parseGroupData(group.record.data);
  const from = await nameOfAccount(step, account);
  await addNotice(step, { type: "join_requested", group: name, groupId: group.record.id, from });
  return done;
}

/** Which of our groups has, or had, a link. */
async function findLink(step: Step, id: string): Promise<FoundLink | undefined> {
  const now = nowSec(step);
  for (const group of groupsOf(step)) {
    if (!isInUse(group)) continue;
    for (const { secret, expiresAt } of parseGroupData(group.record.data).invites) {
      if ((await linkIdOf(step.env, secret)) === id) return { group, secret, isOpen: expiresAt > now };
    }
  }
  const closed = (await step.draft.get(linkNames.closed))?.find(({ link }) => link === id);
  const group = closed && groupsOf(step).find(({ record }) => record.id === closed.group);
  return group !== undefined && isInUse(group)
    ? { group, secret: closed?.secret ?? "", isOpen: false }
    : undefined;
}

const isInUse = ({ record }: GroupLive): boolean => record.state === "joined" || record.state === "healing";

/** Whether nothing is to be done about what an account asks: it is in the group, is blocked, or was answered. */
async function isAnswered(
  step: Step,
  { record }: GroupLive,
  account: string,
  askedAtMs: number,
): Promise<boolean> {
  if (record.accounts.includes(account) || (await isBarredAccount(step.draft, account))) return true;
  const answered = (await step.draft.get(linkNames.answered(record.conversation))) ?? [];
  return answered.some((one) => one.account === account && one.untilMs >= askedAtMs);
}

/** Has the account looked up that asks; undefined when its list is known. */
async function askerOf(step: Step, order: number, account: string): Promise<ItemVerdict | undefined> {
  const asked = step.live.heldItems.asked.get(order) ?? new Set();
  if (asked.has(account) || isFresh(step, await pinned(step, account))) return undefined;
  await lookUp(
    step,
    { account },
    async (later, found) => {
      if (
        found.type === "failed" &&
        (found.error instanceof TransportError || found.error.code === "rate_limited")
      )
        return retryLater(later, order, found.error);
      later.live.heldItems.asked.set(order, asked.add(account));
      goOnSoon(later, order);
    },
    "stranger",
  );
  return { type: "wait" };
}

async function check(step: Step, request: JoinRequest, asked: JoinAsked, secret: string): Promise<void> {
  const known = await pinned(step, toHex(asked.accountId));
  const device = known?.list.list.devices.find((one) => equalBytes(one.deviceId, asked.deviceId));
  const signed =
    device !== undefined &&
    device.revokedAtSec === 0n &&
    (await step.env.crypto.ed25519Verify(
      device.signatureKey,
      askTranscript(secret, request.asked),
      request.signature,
    ));
  if (!signed) throw refused("is not signed with the link by a device in use");
}

function claimed(from: string): string | undefined {
  try {
    return from !== "" && parseIdentifier(from) === from ? from : undefined;
  } catch (cause) {
    if (cause instanceof SottoError) return undefined;
    throw cause;
  }
}

const refused = (what: string): ValidationError =>
  new ValidationError("message_refused", `SOTTO-ASK-1: a request to be let in ${what}`);
