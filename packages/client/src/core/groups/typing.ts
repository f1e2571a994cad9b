/** Telling a conversation that one is typing, under the suite that protects it. */
import { isBarred } from "../barred.ts";
import { knownContact } from "../contacts.ts";
import { requester } from "../requests.ts";
import type { Step } from "../step.ts";
import { sendTyping } from "../typing.ts";
import { sendMlsTyping } from "./ephemeral.ts";
import { matchGroup } from "./overview.ts";
import { pairGroups } from "./state.ts";

const pauseMs = 3_000;

/** Tells those who are online, unless they were told a moment ago. */
export async function tellTyping(step: Step, peer: string): Promise<void> {
  const group = matchGroup(step, peer);
  const contact = group === undefined ? await knownContact(step.draft, peer) : undefined;
  const subject = contact === undefined ? group && { group } : { contact };
  if (contact !== undefined && isBarred(contact)) return undefined;
  if (subject !== undefined && (await requester(step.draft, subject)) !== undefined) return undefined;
  const pairs = contact === undefined ? [] : pairGroups(step, contact.conversations);
  const inUse = group ?? pairs.find(({ record }) => record.state === "joined");
  if (inUse === undefined) return contact === undefined ? undefined : sendTyping(step, contact);
  const { typedAtMs } = step.live.session;
  const now = step.env.nowMs();
  if (now - (typedAtMs.get(inUse.record.id) ?? -Infinity) < pauseMs) return;
  typedAtMs.set(inUse.record.id, now);
  await sendMlsTyping(step, inUse);
}
