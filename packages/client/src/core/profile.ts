/**
 * The name that this account's owner chose, and those of others: sent end to end to whom one writes, shown beside the identifier, never in
 * its place. The server sees none of them.
 */
import { UsageError } from "@sotto/protocol";
import { ensureContact, knownContact, putContact } from "./contacts.ts";
import { decideAbout, notifyChange, type Subject } from "./deciding.ts";
import { sendSync } from "./devices/own-group.ts";
import { isDisplayName } from "./display-name.ts";
import { enqueueMls } from "./groups/queue.ts";
import { putGroup } from "./groups/state.ts";
import { names, type NameRecord } from "./records.ts";
import type { Step } from "./step.ts";

/** @throws UsageError `usage` for what is no name; empty is none. */
export function checkName(name: string): void {
  if (name !== "" && !isDisplayName(name)) {
    throw new UsageError("usage", "a name has 1 to 64 characters, and none that moves or hides others");
  }
}

/** Tells the account's other devices its name. */
export async function tellOwnDevices(step: Step, { name, changedAtMs }: NameRecord): Promise<void> {
  const value = { $typeName: "sotto.v1.Profile" as const, name, changedAtMs: BigInt(changedAtMs) };
  await sendSync(step, { case: "profile", value });
}

/** Tells the own name in a conversation that does not know it. Returns the conversation as it is then. */
export async function tellName(step: Step, subject: Subject): Promise<Subject> {
  const name = (await step.draft.get(names.profile))?.name ?? "";
  const record = "contact" in subject ? subject.contact : subject.group.record;
  if ((record.toldName ?? "") === name) return subject;
  const conversation =
    "contact" in subject
      ? (subject.contact.conversations[0] ?? subject.contact.id)
      : subject.group.record.conversation;
  await enqueueMls(step, conversation, { type: "profile" });
  return noteTold(step, subject, name);
}

/** Takes in that a conversation knows the own name: another device of ours told it. */
export function noteTold(step: Step, subject: Subject, toldName: string): Subject {
  if ("group" in subject) {
    putGroup(step, subject.group, { toldName });
    return subject;
  }
  const contact = { ...subject.contact, toldName };
  putContact(step, contact);
  return { contact };
}

/** Takes the own name over from another device, or a backup. */
export async function takeOwnName(step: Step, fresh: NameRecord): Promise<void> {
  const before = await step.draft.get(names.profile);
  if (!isNewer(fresh, before) || (fresh.name !== "" && !isDisplayName(fresh.name))) return;
  step.draft.put(names.profile, fresh);
}

/** Takes in what somebody calls themselves. A time ahead of our clock counts as now, so that it cannot shut out what follows. */
export async function takeName(
  step: Step,
  account: string,
  { name, changedAtMs }: NameRecord,
): Promise<void> {
  const contact = await ensureContact(step, { account });
  const named = { name, changedAtMs: Math.min(changedAtMs, Math.floor(step.env.nowMs())) };
  if (!isNewer(named, contact.named)) return;
  const after = { ...contact, named };
  putContact(step, after);
  step.live.devices.backupDue = true;
  if (contact.named?.name !== name) notifyChange(step, { contact: after });
}

const isNewer = (one: NameRecord, other: NameRecord | undefined): boolean =>
  other === undefined || one.changedAtMs > other.changedAtMs;

/** Calls somebody something here. @throws as Messenger.setNickname. */
export async function setNickname(step: Step, peer: string, nickname: string): Promise<void> {
  checkName(nickname);
  await decideAbout(step, { contact: await knownContact(step.draft, peer) }, { nickname });
}
