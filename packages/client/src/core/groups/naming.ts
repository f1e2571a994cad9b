/** What people call groups and their members, and telling them what changed in one. */
import type { Notice } from "../../api.ts";
import { contactOf } from "../conversations.ts";
import { findContact, peerName } from "../contacts.ts";
import { addNotice } from "../notices.ts";
import type { Step } from "../step.ts";
import { parseGroupData } from "./data.ts";
import type { GroupRecord } from "./records.ts";
import type { GroupLive } from "./state.ts";

type Change = Extract<Notice, { type: "group_changed" }>["change"];

/** What an account is shown as: its proven identifier, or its id. */
export async function nameOfAccount(step: Pick<Step, "draft" | "live">, account: string): Promise<string> {
  if (account === step.live.own.account) return step.live.own.identifier;
  const contact = await findContact(step.draft, { account });
  return contact === undefined ? account : peerName(contact);
}

/** What a group is shown as: its name, or the peer. */
export async function nameOfGroup(step: Pick<Step, "draft" | "live">, record: GroupRecord): Promise<string> {
  if (record.kind === "group") return parseGroupData(record.data).name;
  if (record.kind === "account") return step.live.own.identifier;
  const contact = await contactOf(step.draft, record.conversation);
  return contact === undefined ? "" : peerName(contact);
}

/** Who is in a group, and what it says of itself, at one time. */
type Roster = Pick<GroupRecord, "accounts" | "data">;

/** Tells what changed in a group, if it is a change that people see. */
export async function tellChanges(
  step: Step,
  group: GroupLive,
  changed:
    | {
        readonly by: string;
        readonly before: Roster;
        readonly after: Roster;
        /** Accounts that had said before that they leave. */
        readonly leaving: readonly string[];
      }
    | { readonly by: string; readonly removed: readonly string[] },
): Promise<void> {
  const { record } = group;
  if (record.kind !== "group") return;
  const by = await nameOfAccount(step, changed.by);
  const tell = async (change: Change): Promise<void> => {
    const name = parseGroupData(record.data).name;
    await addNotice(step, { type: "group_changed", group: name, groupId: record.id, by, change });
  };
  const names = (accounts: readonly string[]) =>
    Promise.all(accounts.map((account) => nameOfAccount(step, account)));
  if ("removed" in changed) return tell({ kind: "removed", who: await names(changed.removed) });

  const before = new Set(changed.before.accounts);
  const after = new Set(changed.after.accounts);
  const added = [...after].filter((account) => !before.has(account));
  const gone = [...before].filter((account) => !after.has(account));
  const left = gone.filter((account) => changed.leaving.includes(account));
  const removed = gone.filter((account) => !left.includes(account));
  if (added.length > 0) await tell({ kind: "added", who: await names(added) });
  if (left.length > 0) await tell({ kind: "left", who: await names(left) });
  if (removed.length > 0) await tell({ kind: "removed", who: await names(removed) });
  const was = parseGroupData(changed.before.data);
  const is = parseGroupData(changed.after.data);
  if (was.name !== is.name) await tell({ kind: "renamed", name: is.name });
  if (was.picture !== is.picture) await tell({ kind: "picture", removed: is.picture === "" });
  if (was.admins.toSorted().join() !== is.admins.toSorted().join()) await tell({ kind: "admins" });
}
