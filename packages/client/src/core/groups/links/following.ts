/**
 * What a group's own state and messages say about who asks to be let in: every device of an admin comes to the same, whichever of them
 * answered. A Commit that lets somebody in, or takes a link back, and the word that somebody is refused take requests away.
 */
import { parseGroupData } from "../data.ts";
import { notify, type Step } from "../../step.ts";
import { isOwnerless } from "../membership.ts";
import type { GroupRecord } from "../records.ts";
import type { GroupLive } from "../state.ts";
import { linkIdOf } from "./link.ts";
import { linkNames } from "./records.ts";

const mostAnswered = 512;
const mostRefused = 128;
const mostClosed = 256;
/** Whoever was refused may ask again then. */
export const askAgainMs = 86_400_000;

/** Whether an account may let people in, and so hears who asks. */
export function mayLetIn({ record }: Pick<GroupLive, "record">, account: string): boolean {
  const data = parseGroupData(record.data);
  const inherits = isOwnerless(data, record.leaving) && record.leaving?.includes(account) !== true;
  const isIn = data.kind === "group" && record.accounts.includes(account);
  return isIn && (data.mayAdd === "members" || data.admins.includes(account) || inherits);
}

/** Tells subscribers that other people ask to be let into a group than before. */
export function tellRequests(step: Step, { record }: GroupLive): void {
  notify(step, { type: "joins", groupId: record.id });
}

/** Somebody in the group says that a request is refused: of those who may let people in, that counts. */
export async function noteRefused(step: Step, group: GroupLive, by: string, id: string): Promise<void> {
  if (!mayLetIn(group, by)) return;
  const { conversation } = group.record;
  const requests = await step.draft.page(linkNames.requests(conversation));
  const known = requests.find(({ value }) => value.id === id);
  if (known === undefined) {
    // It may come yet.
    const before = (await step.draft.get(linkNames.refused(conversation))) ?? [];
    if (!before.includes(id))
      step.draft.put(linkNames.refused(conversation), [...before, id].slice(-mostRefused));
    return;
  }
  step.draft.deleteItem(linkNames.requests(conversation), known.order);
  await noteAnswered(step, conversation, known.value.account, known.value.askedAtMs + askAgainMs);
  tellRequests(step, group);
}

/** Remembers that what an account asked until a time was answered. */
export async function noteAnswered(
  step: Step,
  conversation: string,
  account: string,
  untilMs: number,
): Promise<void> {
  const before = (await step.draft.get(linkNames.answered(conversation))) ?? [];
  const others = before.filter((one) => one.account !== account);
  step.draft.put(linkNames.answered(conversation), [...others, { account, untilMs }].slice(-mostAnswered));
}

/** A new epoch: whoever came in asks no more, nor does anybody by a link that was taken back. */
export async function followLinks(step: Step, group: GroupLive, before: GroupRecord): Promise<void> {
  const { record } = group;
  if (record.kind !== "group") return;
  const { invites } = parseGroupData(record.data);
  const gone = parseGroupData(before.data).invites.filter(
    ({ secret }) => !invites.some((one) => one.secret === secret),
  );
  if (gone.length > 0) {
    const closed = (await step.draft.get(linkNames.closed)) ?? [];
    const fresh = await Promise.all(
      gone.map(async ({ secret }) => ({ link: await linkIdOf(step.env, secret), secret, group: record.id })),
    );
    step.draft.put(linkNames.closed, [...closed, ...fresh].slice(-mostClosed));
  }
  if (invites.length + gone.length > 0) {
    // What they asked before is answered, whether it came here or not.
    const come = record.accounts.filter((account) => !before.accounts.includes(account));
    for (const account of come) await noteAnswered(step, record.conversation, account, step.env.nowMs());
  }
  let isOther = false;
  for (const { order, value } of await step.draft.page(linkNames.requests(record.conversation))) {
    const isIn = record.accounts.includes(value.account);
    if (!isIn && !gone.some(({ secret }) => secret === value.secret)) continue;
    step.draft.deleteItem(linkNames.requests(record.conversation), order);
    isOther = true;
  }
  if (isOther) tellRequests(step, group);
}
