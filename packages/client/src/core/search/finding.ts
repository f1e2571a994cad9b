/** Answering a query: newest first, segment after segment, no further than the page that was asked for. */
import { LIMITS, UsageError } from "@sotto/protocol";
import type { SearchHit, SearchOptions, SearchPage } from "../../search-api.ts";
import { safeFileName } from "../attachments/file-name.ts";
import { findContact, knownContact, parsePeer } from "../contacts.ts";
import { contactOf, messageAt, toMessage } from "../conversations.ts";
import type { Engine } from "../engine.ts";
import { findConversation } from "../groups/overview.ts";
import { names, type MessagePlace } from "../records.ts";
import type { Step } from "../step.ts";
import { armBuild } from "./building.ts";
import { clearIndex, pendingDocs } from "./filing.ts";
import { isDamage } from "./following.ts";
import { byPlace, matching, type Doc, type SearchSegment } from "./segment.ts";
import { snippetOf } from "./snippet.ts";
import { OWN, placeKey } from "./state.ts";
import { isMeant, termsOf, type Term } from "./words.ts";

const defaultLimit = 20;
const segmentsAtOnce = 8;

/** A query, with what its filters mean in this vault. */
interface Asked {
  readonly terms: readonly Term[];
  /** undefined: in all. */
  readonly conversations: ReadonlySet<string> | undefined;
  /** undefined: of anybody. */
  readonly isSender: ((sender: string, conversation: string) => boolean) | undefined;
  readonly since: number;
  readonly until: number;
  readonly attachments: boolean;
  readonly limit: number;
  /** The last one of the page before. */
  readonly after: MessagePlace | undefined;
  /** Nothing is asked for: the index is only read. */
  readonly nothing: boolean;
}

type Candidate = Omit<Doc, "words">;

/** Searches. @throws as Messenger.search. */
export async function search(engine: Engine, query: string, options: SearchOptions): Promise<SearchPage> {
  const asked = await engine.run((step) => understand(step, query, options));
  for (;;) {
    const page = await engine.run((step) => findSome(step, asked));
    if (page !== undefined) return page;
  }
}

async function understand(step: Step, query: string, options: SearchOptions): Promise<Asked> {
  const { since = 0, until = Infinity, attachments = false, limit = defaultLimit, after } = options;
  if (query.length > LIMITS.maxTextBytes) throw new UsageError("usage", "that is too long to search for");
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError("usage", "a page has one row at least");
  const terms = termsOf(query);
  const isFiltered =
    attachments ||
    [options.in, options.from, options.since, options.until].some((filter) => filter !== undefined);
  return {
    terms,
    conversations:
      options.in === undefined
        ? undefined
        : new Set((await findConversation(step, options.in)).conversations),
    isSender: options.from === undefined ? undefined : await senderOf(step, options.from),
    since,
    until,
    attachments,
    limit,
    after: after === undefined ? undefined : parseAfter(after),
    // Signs alone are no query for everything.
    nothing: terms.length === 0 && (query.trim() !== "" || !isFiltered),
  };
}

async function senderOf(step: Step, text: string): Promise<NonNullable<Asked["isSender"]>> {
  const peer = parsePeer(text);
  const { own } = step.live;
  if ("identifier" in peer ? peer.identifier === own.identifier : peer.account === own.account) {
    return (sender) => sender === OWN;
  }
  const contact =
    "account" in peer ? await findContact(step.draft, peer) : await knownContact(step.draft, text);
  const accounts = new Set([...(contact?.formerAccounts ?? []), contact?.account, contact?.successor]);
  if ("account" in peer) accounts.add(peer.account);
  return (sender, conversation) =>
    sender === "" ? contact?.conversations.includes(conversation) === true : accounts.has(sender);
}

/** A page, or undefined: a part of the index was read, and there may be more. */
async function findSome(step: Step, asked: Asked): Promise<SearchPage | undefined> {
  const { search: state } = step.live;
  try {
    const found = await places(step, asked);
    if (found === undefined) return undefined;
    const hits: SearchHit[] = [];
    for (const hit of await Promise.all(found.slice(0, asked.limit).map((at) => hitAt(step, asked, at)))) {
      if (hit !== undefined) hits.push(hit);
    }
    const last = found[asked.limit - 1];
    return {
      hits,
      ...(found.length > asked.limit && last !== undefined && { next: placeKey(last) }),
      index: state.ready ? "ready" : state.failed ? "damaged" : "building",
    };
  } catch (cause) {
    if (!isDamage(cause) || !state.ready) throw cause;
    await clearIndex(step);
    armBuild(step, true);
    return { hits: [], index: "building" };
  }
}

/** Places of the page's messages and one more, if there is one; undefined: not everything that it needs was read yet. */
async function places(step: Step, asked: Asked): Promise<readonly Candidate[] | undefined> {
  const { search: state } = step.live;
  if (!state.ready && state.build === undefined) {
    armBuild(step, true);
    return [];
  }
  const waiting = (await pendingDocs(step))
    .filter((doc) => isWanted(asked, doc) && hasAll(doc.words, asked.terms))
    .toSorted(byPlace);
  const found: Candidate[] = [];
  for (const key of [...state.segments.keys()].sort((a, b) => b - a)) {
    if (asked.nothing || found.length > asked.limit) break;
    const segment = state.segments.get(key);
    if (segment === undefined) continue;
    const here = candidates(asked, segment);
    const from = waiting.findIndex(({ order }) => order >= key);
    if (from >= 0) here.push(...waiting.splice(from));
    found.push(...here.sort(byPlace).reverse());
  }
  if (found.length > asked.limit) return found.slice(0, asked.limit + 1);
  if (state.readFrom > 0) {
    await readMore(step);
    return undefined;
  }
  if (asked.nothing) return [];
  return [...found, ...waiting.reverse()].slice(0, asked.limit + 1);
}

function candidates(asked: Asked, segment: SearchSegment): Candidate[] {
  const { conversations } = asked;
  if (conversations !== undefined && !segment.conversations.some((one) => conversations.has(one))) return [];
  const files = asked.attachments ? new Set(segment.files) : undefined;
  return matching(segment, asked.terms)
    .filter((number) => files === undefined || files.has(number))
    .map((number) => ({
      order: segment.orders[number] ?? 0,
      conversation: segment.conversations[segment.lies[number] ?? -1] ?? "",
      sender: segment.senders[segment.by[number] ?? -1] ?? "",
      sentAt: segment.sentAt[number] ?? 0,
      files: asked.attachments,
    }))
    .filter((candidate) => isWanted(asked, candidate));
}

function isWanted(asked: Asked, { order, conversation, sender, sentAt, files }: Candidate): boolean {
  const { after, conversations, isSender, since, until, attachments } = asked;
  return (
    (after === undefined || byPlace({ order, conversation }, after) < 0) &&
    (conversations === undefined || conversations.has(conversation)) &&
    (isSender === undefined || isSender(sender, conversation)) &&
    sentAt >= since &&
    sentAt < until &&
    (!attachments || files)
  );
}

const hasAll = (words: readonly string[], terms: readonly Term[]): boolean =>
  terms.every((term) => words.some((word) => isMeant(term, word)));

/** Reads older segments into memory, where they stay. */
async function readMore(step: Step): Promise<void> {
  const { search: state } = step.live;
  const page = await step.draft.page(names.searchSegments, {
    reverse: true,
    limit: segmentsAtOnce,
    ...(state.readFrom !== Infinity && { below: state.readFrom }),
  });
  for (const { order, value } of page) state.segments.set(order, value);
  state.readFrom = page.length < segmentsAtOnce ? 0 : (page.at(-1)?.order ?? 0);
}

async function hitAt(step: Step, asked: Asked, place: Candidate): Promise<SearchHit | undefined> {
  const record = await messageAt(step.draft, place);
  if (record === undefined) return undefined;
  const contact = await contactOf(step.draft, place.conversation);
  const message = await toMessage(step.draft, step.live.own, contact, place, record);
  const texts = [record.body, ...(record.attachments ?? []).map(({ name }) => safeFileName(name))];
  const { text, highlights } = snippetOf(
    texts.filter((one) => one !== ""),
    asked.terms,
  );
  return { message, snippet: text, highlights };
}

function parseAfter(text: string): MessagePlace {
  const [, order, conversation] = /^(\d{1,16}) (\w{1,64})$/.exec(text) ?? [];
  if (order === undefined || conversation === undefined) {
    throw new UsageError("usage", "a page begins after the `next` of another one");
  }
  return { order: Number(order), conversation };
}
