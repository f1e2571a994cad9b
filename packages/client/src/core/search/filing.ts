/**
 * Putting messages into segments, and taking them out. Segments share out the vault's order: each holds what lies from the order that it is
 * kept under to the next one's, so that the place of a message says in which segment it is.
 */
import { messageAt } from "../conversations.ts";
import { names, type MessagePlace } from "../records.ts";
import type { Step } from "../step.ts";
import { byPlace, cut, docsOf, segmentOf, type Doc, type SearchSegment } from "./segment.ts";
import { docOf, placeKey, searchable, type PendingDoc } from "./state.ts";

/** Places of what is in no segment yet, read once. */
export async function readPending(step: Step): Promise<Map<string, PendingDoc | MessagePlace>> {
  const { search } = step.live;
  if (search.pending !== undefined) return search.pending;
  const items = await step.draft.page(names.searchPending);
  search.nextPending = (items.at(-1)?.order ?? -1) + 1;
  search.pending = new Map(items.flatMap(({ value }) => value.map((place) => [placeKey(place), place])));
  return search.pending;
}

/** The messages there. */
export async function pendingDocs(step: Step): Promise<readonly Doc[]> {
  const pending = await readPending(step);
  const docs = await Promise.all(
    Array.from(pending.values(), async (one) =>
      "text" in one ? one : searchable(one, await messageAt(step.draft, one)),
    ),
  );
  // What has gone meanwhile is nothing to find.
  return docs.flatMap((doc) => {
    if (doc === undefined) return [];
    pending.set(placeKey(doc), doc);
    return [docOf(doc)];
  });
}

/** Puts everything that waits into segments. */
export async function filePending(step: Step): Promise<void> {
  const docs = [...(await pendingDocs(step))].sort(byPlace);
  const [newest] = await step.draft.page(names.searchSegments, { reverse: true, limit: 1 });
  while (docs.length > 0) {
    const last = docs.at(-1) as Doc;
    const { key, segment } = await segmentOver(step, last.order);
    const from = docs.findIndex(({ order }) => order >= key);
    const added = docs.splice(from);
    const places = new Set(added.map(placeKey));
    const kept = segment === undefined ? [] : docsOf(segment).filter((doc) => !places.has(placeKey(doc)));
    const grows = key === (newest?.order ?? 0) && (kept.at(-1)?.order ?? 0) < (added[0]?.order ?? 0);
    const cuts = cut([...kept, ...added].sort(byPlace), grows);
    for (const [i, part] of cuts.entries()) write(step, i === 0 ? key : (part[0]?.order ?? 0), part);
  }
  for (const order of await step.draft.orders(names.searchPending)) {
    step.draft.deleteItem(names.searchPending, order);
  }
  step.live.search.pending?.clear();
}

/** Takes messages out of their segments, and their words with them. */
export async function removeFromSegments(step: Step, places: readonly MessagePlace[]): Promise<void> {
  const left = [...places].sort(byPlace);
  while (left.length > 0) {
    const { key, segment } = await segmentOver(step, left.at(-1)?.order ?? 0);
    const from = left.findIndex(({ order }) => order >= key);
    const removed = new Set(left.splice(from).map(placeKey));
    if (segment === undefined) continue;
    const docs = docsOf(segment);
    const kept = docs.filter((doc) => !removed.has(placeKey(doc)));
    if (kept.length < docs.length) write(step, key, kept);
  }
}

/** Writes a segment made of messages that are all new to the index. */
export function writeNew(step: Step, docs: readonly Doc[], first: boolean): void {
  write(step, first ? 0 : (docs[0]?.order ?? 0), docs);
}

/** Deletes all of the index, opened or not. It is not whole then. */
export async function clearIndex(step: Step): Promise<void> {
  const { draft, live } = step;
  for (const list of [names.searchSegments, names.searchPending]) {
    for (const order of await draft.orders(list)) draft.deleteItem(list, order);
  }
  draft.delete(names.searchState);
  live.search.segments.clear();
  Object.assign(live.search, {
    ready: false,
    unwritten: false,
    cleared: true,
    build: undefined,
    pending: undefined,
    nextPending: 0,
    readFrom: Infinity,
  });
}

/** The segment that a message of that order belongs to, and the order that it is kept under; the first one reaches down to 0. */
async function segmentOver(
  step: Step,
  order: number,
): Promise<{ readonly key: number; readonly segment: SearchSegment | undefined }> {
  const options = { below: order + 1, reverse: true, limit: 1 };
  const [found] = await step.draft.page(names.searchSegments, options);
  return { key: found?.order ?? 0, segment: found?.value };
}

function write(step: Step, key: number, docs: readonly Doc[]): void {
  const { search } = step.live;
  if (docs.length === 0) {
    step.draft.deleteItem(names.searchSegments, key);
    search.segments.delete(key);
    return;
  }
  const segment = segmentOf(docs);
  step.draft.putItem(names.searchSegments, key, segment);
  if (key >= search.readFrom) search.segments.set(key, segment);
}
