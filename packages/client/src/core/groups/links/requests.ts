/**
 * Requests to be let into a group, for its admins. Every device of the admins that a link names gets a request; whoever answers first
 * decides.
 */
import { JoinVerdict, UsageError } from "@sotto/protocol";
import type { JoinRequest } from "../../../api.ts";
import { findContact, peerName, shownName } from "../../contacts.ts";
import type { Engine } from "../../engine.ts";
import type { Step } from "../../step.ts";
import { changeGroup } from "../commands.ts";
import { parseGroupData } from "../data.ts";
import { findGroup, groupsOf } from "../overview.ts";
import { enqueueMls } from "../queue.ts";
import { answer } from "./answering.ts";
import { askAgainMs, mayLetIn, noteAnswered, tellRequests } from "./following.ts";
import { linkNames } from "./records.ts";

/** Who asks, the oldest first. @param text name or id of a group; undefined: all of them. @throws UsageError `group_unknown`, `group_ambiguous`. */
export async function joinRequests(step: Step, text: string | undefined): Promise<readonly JoinRequest[]> {
  const groups = text === undefined ? groupsOf(step) : [await findGroup(step, text)];
  const requests: JoinRequest[] = [];
  for (const group of groups) {
    const { record } = group;
    if (record.state !== "joined" || !mayLetIn(group, step.live.own.account)) continue;
    for (const { value } of await step.draft.page(linkNames.requests(record.conversation))) {
      const contact = await findContact(step.draft, { account: value.account });
      requests.push({
        group: parseGroupData(record.data).name,
        groupId: record.id,
        identifier: contact === undefined ? value.account : peerName(contact),
        name: contact === undefined ? "" : shownName(contact),
        accountId: value.account,
        verified: contact?.verified === true,
        askedAt: Math.floor(value.askedAtMs / 1000),
      });
    }
  }
  return requests;
}

/** Lets somebody in who asks. @throws as Messenger.approveJoin. */
export async function approveJoin(engine: Engine, group: string, peer: string): Promise<void> {
  const { id, account } = await engine.run(async (step) => {
    const found = await findRequest(step, group, peer);
    return { id: found.group.record.id, account: found.request.account };
  });
  await changeGroup(engine, id, { type: "add", accounts: [account] }, "mayAdd");
}

/** Refuses somebody who asks: the other admins need not answer, and whoever asked is told. @throws as Messenger.refuseJoin. */
export async function refuseJoin(step: Step, text: string, peer: string): Promise<void> {
  const { group, order, request } = await findRequest(step, text, peer);
  const { conversation } = group.record;
  step.draft.deleteItem(linkNames.requests(conversation), order);
  await noteAnswered(step, conversation, request.account, request.askedAtMs + askAgainMs);
  await enqueueMls(step, conversation, { type: "join-refused", request: request.id });
  await answer(step, group, request, JoinVerdict.REFUSED);
  tellRequests(step, group);
}

async function findRequest(step: Step, text: string, peer: string) {
  const group = await findGroup(step, text);
  const named = (await joinRequests(step, group.record.id)).find(
    ({ accountId, identifier }) => accountId === peer.trim() || identifier === peer.trim(),
  );
  const requests = await step.draft.page(linkNames.requests(group.record.conversation));
  const found = requests.find(({ value }) => value.account === named?.accountId);
  if (found === undefined) throw new UsageError("contact_unknown", "nobody of that name asks to be let in");
  return { group, order: found.order, request: found.value };
}
