/** Changing what this account's owner calls themselves. */
import type { Profile } from "../api.ts";
import { isBarred } from "./barred.ts";
import { groupsOf } from "./groups/overview.ts";
import { allContacts } from "./people.ts";
import { checkName, tellName, tellOwnDevices } from "./profile.ts";
import { names } from "./records.ts";
import type { Step } from "./step.ts";

/** Changes the own name, and tells it to whom this account wrote. @throws as Messenger.updateProfile. */
export async function updateProfile(step: Step, { name }: Profile): Promise<void> {
  checkName(name);
  const before = await step.draft.get(names.profile);
  if ((before?.name ?? "") === name) return;
  const changedAtMs = Math.max(Math.floor(step.env.nowMs()), (before?.changedAtMs ?? 0) + 1);
  step.draft.put(names.profile, { name, changedAtMs });
  step.live.devices.backupDue = true;
  await tellOwnDevices(step, { name, changedAtMs });
  for (const contact of await allContacts(step)) {
    if (contact.toldName !== undefined && !isBarred(contact)) await tellName(step, { contact });
  }
  for (const group of groupsOf(step)) {
    if (group.record.toldName !== undefined && group.record.state === "joined")
      await tellName(step, { group });
  }
}
