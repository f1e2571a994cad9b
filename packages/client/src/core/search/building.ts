/**
 * Making the index of a vault that has none, or a damaged one: in the background, a page of messages at a time, while everything else goes on.
 * What is read stays in memory until all is there, since segments are in the order of the vault and conversations are not. Interrupted, it
 * begins anew.
 */
import { names } from "../records.ts";
import type { Step } from "../step.ts";
import { writeNew } from "./filing.ts";
import { byPlace, cut } from "./segment.ts";
import { SEARCH_VERSION, docOf, placeKey, searchable, type Build } from "./state.ts";

const pageSize = 256;
const segmentsAtOnce = 4;
/** Whatever opens a vault for a moment is over by then. */
const quietMs = 3_000;

/** Sees to it that the index is made. @param now somebody waits for it. */
export function armBuild(step: Step, now = false): void {
  const { search } = step.live;
  if (search.failed || (search.armed && !now)) return;
  search.armed = true;
  const delayMs = now || search.build !== undefined ? 0 : quietMs;
  step.effects.push({ type: "timer", name: "search", delayMs, run: buildOn });
}

async function buildOn(step: Step): Promise<void> {
  const { search } = step.live;
  if (!search.ready) await buildSome(step);
  search.armed = false;
}

async function buildSome(step: Step): Promise<void> {
  const { search } = step.live;
  const { build } = search;
  if (build === undefined) {
    const conversations = await allConversations(step);
    search.build = { conversations, from: 0, docs: [], changed: new Set(), segments: undefined };
  } else if (build.conversations.length > 0) {
    await readSome(step, build);
  } else {
    writeSome(step, build);
  }
}

/** The lists of messages of everybody and every group. */
async function allConversations(step: Step): Promise<string[]> {
  const lists = new Set<string>();
  for (const { value } of await step.draft.page(names.contacts)) {
    for (const list of value.conversations) lists.add(list);
  }
  for (const { record } of step.live.groups.byId.values()) lists.add(record.conversation);
  return [...lists];
}

async function readSome(step: Step, build: Build): Promise<void> {
  const [conversation = ""] = build.conversations;
  const { from } = build;
  const page = await step.draft.page(names.messages(conversation), { from, limit: pageSize });
  for (const { order, value } of page) {
    const found = searchable({ conversation, order }, value);
    if (found !== undefined) build.docs.push(docOf(found));
  }
  build.from = (page.at(-1)?.order ?? 0) + 1;
  if (page.length === pageSize) return;
  build.conversations.shift();
  build.from = 0;
}

function writeSome(step: Step, build: Build): void {
  const { search } = step.live;
  const isFirst = build.segments === undefined;
  build.segments ??= [...cut(build.docs.splice(0).sort(byPlace), true)];
  for (const [i, docs] of build.segments.splice(0, segmentsAtOnce).entries()) {
    const present = docs.filter((doc) => !build.changed.has(placeKey(doc)));
    if (present.length > 0) writeNew(step, present, isFirst && i === 0);
  }
  if (build.segments.length > 0) return;
  step.draft.put(names.searchState, { version: SEARCH_VERSION });
  search.ready = true;
  search.build = undefined;
}
