/**
 * The index follows every change set, in that change set: what is said of messages is compared with what is stored of them. The words of what
 * goes are gone from the index with it. What is new is noted by its place alone, and put into segments by the hundred.
 */
import { StorageError } from "@sotto/protocol";
import { names, type MessageRecord } from "../records.ts";
import type { Step } from "../step.ts";
import type { ItemChange } from "../vault-store.ts";
import { armBuild } from "./building.ts";
import { clearIndex, filePending, readPending, removeFromSegments } from "./filing.ts";
import { SEARCH_VERSION, placeKey, searchable, type PendingDoc } from "./state.ts";

const prefix = names.messages("");
/** So many messages are put into segments together. */
const filedTogether = 256;

/** Takes in what the steps of a change set did to messages. Ends every batch. */
export async function followSearch(step: Step): Promise<void> {
  const { search } = step.live;
  const changes = step.draft.changes(prefix);
  try {
    if (search.unwritten && changes.length > 0) {
      step.draft.put(names.searchState, { version: SEARCH_VERSION });
      search.unwritten = false;
    }
    if (!search.cleared) await clearIndex(step);
    if (search.ready || search.build !== undefined) await follow(step, changes);
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    await clearIndex(step);
  }
  for (const { order } of changes) search.newest = Math.max(search.newest, order);
  if (!search.ready) armBuild(step);
}

/** Whether something that was read does not open. */
export const isDamage = (cause: unknown): boolean =>
  cause instanceof StorageError && cause.code === "vault_damaged";

async function follow(step: Step, changes: readonly ItemChange<MessageRecord>[]): Promise<void> {
  const { search } = step.live;
  const gone: { readonly conversation: string; readonly order: number }[] = [];
  const come: PendingDoc[] = [];
  for (const { list, order, value } of changes) {
    const place = { conversation: list.slice(prefix.list.length), order };
    const isNew = order > search.newest;
    const after = searchable(place, value);
    if (!isNew) {
      // What is deleted need not be read for that.
      const before = value && searchable(place, await step.draft.stored({ list }, order));
      if (value !== undefined && isSame(before, after)) continue;
      gone.push(place);
    }
    if (after !== undefined) come.push(after);
  }
  if (gone.length === 0 && come.length === 0) return;
  const pending = await readPending(step);
  // What waits is in no segment.
  const filed = gone.filter((place) => !pending.delete(placeKey(place)));
  await removeFromSegments(step, filed);
  for (const place of [...gone, ...come]) search.build?.changed.add(placeKey(place));
  if (come.length === 0) return;
  const places = come.map(({ conversation, order }) => ({ conversation, order }));
  step.draft.putItem(names.searchPending, search.nextPending++, places);
  for (const doc of come) pending.set(placeKey(doc), doc);
  // While the index is made, what is filed now would only be in the way.
  if (search.ready && pending.size >= filedTogether) await filePending(step);
}

const isSame = (a: PendingDoc | undefined, b: PendingDoc | undefined): boolean =>
  a?.text === b?.text && a?.sentAt === b?.sentAt && a?.sender === b?.sender && a?.files === b?.files;
