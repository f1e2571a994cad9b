/** What admins do with the links of a group: make them, look at them, take them back. */
import { JoinVerdict, UsageError, toHex } from "@sotto/protocol";
import type { GroupLink } from "../../../api.ts";
import { pinned } from "../../directory.ts";
import type { Engine } from "../../engine.ts";
import { nowSec, type Step } from "../../step.ts";
import { changeGroup } from "../commands.ts";
import { mostInvites, parseGroupData, type Invite } from "../data.ts";
import { findGroup } from "../overview.ts";
import type { GroupLive } from "../state.ts";
import { formatGroupLink, linkIdOf, mostHosts, type GroupLinkText } from "./link.ts";
import { linkNames } from "./records.ts";
import { answer } from "./answering.ts";
import { mayLetIn } from "./following.ts";

const defaultLifeSec = 7 * 86_400;
const longestLifeSec = 90 * 86_400;

/** Makes a link. @throws as Messenger.createGroupLink. */
export async function createGroupLink(
  engine: Engine,
  text: string,
  lifeSec: number = defaultLifeSec,
): Promise<GroupLink> {
  if (!Number.isSafeInteger(lifeSec) || lifeSec < 60 || lifeSec > longestLifeSec)
    throw new UsageError("usage", "a link lives a minute at least, and 90 days at most");
  const { id, invite } = await engine.run(async (step) => {
    const { record } = await findGroup(step, text);
    const open = parseGroupData(record.data).invites.filter(({ expiresAt }) => expiresAt > nowSec(step));
    if (open.length >= mostInvites)
      throw new UsageError("usage", `a group has ${mostInvites} links at most: take one back first`);
    const secret = toHex(step.env.crypto.randomBytes(16));
    return { id: record.id, invite: { secret, expiresAt: nowSec(step) + lifeSec } };
  });
  await changeGroup(engine, id, { type: "invite", invite }, "mayAdd");
  return engine.run(async (step) => toLink(step, await findGroup(step, id), invite));
}

/** The links that are good now, the oldest first; none for who may not let people in. */
export async function groupLinks(step: Step, text: string): Promise<readonly GroupLink[]> {
  const group = await findGroup(step, text);
  if (group.record.state !== "joined" || !mayLetIn(group, step.live.own.account)) return [];
  const links: GroupLink[] = [];
  for (const invite of parseGroupData(group.record.data).invites) {
    if (invite.expiresAt > nowSec(step)) links.push(await toLink(step, group, invite));
  }
  return links;
}

/** Takes a link back, and with it what was asked by it. @throws as Messenger.revokeGroupLink. */
export async function revokeGroupLink(engine: Engine, text: string, linkId: string): Promise<void> {
  const { id, secret } = await engine.run(async (step) => {
    const group = await findGroup(step, text);
    for (const one of parseGroupData(group.record.data).invites) {
      if ((await linkIdOf(step.env, one.secret)) === linkId)
        return { id: group.record.id, secret: one.secret };
    }
    throw new UsageError("usage", "that group has no such link");
  });
  await changeGroup(engine, id, { type: "revoke-invite", secret }, "mayAdd", async (step, group) => {
    for (const { value } of await step.draft.page(linkNames.requests(group.record.conversation))) {
      if (value.secret === secret) await answer(step, group, value, JoinVerdict.CLOSED);
    }
  });
}

/** A link as it is handed out by this account, which it names first. */
async function toLink(step: Step, group: GroupLive, invite: Invite): Promise<GroupLink> {
  const { own } = step.live;
  const data = parseGroupData(group.record.data);
  const admins = data.admins.filter((one) => one !== own.account && group.record.accounts.includes(one));
  const hosts: GroupLinkText["hosts"][number][] = [
    { account: own.account, identityKey: own.identityKey.publicKey },
  ];
  for (const account of admins) {
    const key = (await pinned(step, account))?.list.list.identityKey;
    if (key !== undefined && hosts.length < mostHosts) hosts.push({ account, identityKey: key });
  }
  const { serverFingerprint } = own;
  return {
    id: await linkIdOf(step.env, invite.secret),
    link: `${own.serverOrigin}/#/join/${formatGroupLink({ ...invite, hosts, name: data.name, serverFingerprint })}`,
    expiresAt: invite.expiresAt,
  };
}
