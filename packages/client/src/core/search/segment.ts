/**
 * A segment of the index: a few hundred messages that follow each other in the vault's order, the words of all of them in one text, and after
 * each word the numbers of its messages:
 *
 *     |lunch 3 1a 2|noon 3
 *
 * The words are sorted, so that those with one beginning stand together, and one search through a text of some 30 KiB finds them. Numbers are
 * in base 36, each but the first as the distance from the one before. A segment is never altered: it is made anew without what must be gone.
 */
import type { Term } from "./words.ts";

/** A message as the index knows it. */
export interface Doc {
  readonly order: number;
  readonly conversation: string;
  /** The account that sent it; empty: the person of the conversation. */
  readonly sender: string;
  readonly sentAt: number;
  readonly files: boolean;
  readonly words: readonly string[];
}

/** A segment as the vault keeps it. The numbers of a message are its place in `orders`. */
export interface SearchSegment {
  /** Ascending. */
  readonly orders: readonly number[];
  readonly conversations: readonly string[];
  /** Of each message, which of `conversations`. */
  readonly lies: readonly number[];
  readonly senders: readonly string[];
  /** Of each message, which of `senders`. */
  readonly by: readonly number[];
  readonly sentAt: readonly number[];
  /** Numbers of those that brought files. */
  readonly files: readonly number[];
  readonly words: string;
}

/** More messages than this are several segments. */
const mostDocs = 1_024;
/** The same of characters of their words. */
const mostLetters = 256 * 1024;

/** The order of messages in the index. */
export const byPlace = (
  a: Pick<Doc, "order" | "conversation">,
  b: Pick<Doc, "order" | "conversation">,
): number =>
  a.order - b.order || (a.conversation < b.conversation ? -1 : Number(a.conversation > b.conversation));

/** Makes a segment. @param docs in order. */
export function segmentOf(docs: readonly Doc[]): SearchSegment {
  const conversations = new Numbering();
  const senders = new Numbering();
  const last = new Map<string, number>();
  const entries = new Map<string, string>();
  for (const [number, { words }] of docs.entries()) {
    for (const word of words) {
      entries.set(word, `${entries.get(word) ?? ""} ${(number - (last.get(word) ?? 0)).toString(36)}`);
      last.set(word, number);
    }
  }
  return {
    orders: docs.map(({ order }) => order),
    lies: docs.map(({ conversation }) => conversations.of(conversation)),
    conversations: conversations.all,
    by: docs.map(({ sender }) => senders.of(sender)),
    senders: senders.all,
    sentAt: docs.map(({ sentAt }) => sentAt),
    files: [...docs.keys()].filter((number) => docs[number]?.files === true),
    words: [...entries.keys()]
      .sort()
      .map((word) => `|${word}${entries.get(word)}`)
      .join(""),
  };
}

/** The messages of a segment, in order. */
export function docsOf(segment: SearchSegment): readonly Doc[] {
  const words: string[][] = segment.orders.map(() => []);
  for (let at = 0; at < segment.words.length;) {
    const space = segment.words.indexOf(" ", at);
    const word = segment.words.slice(at + 1, space);
    at = eachNumber(segment.words, space, (number) => words[number]?.push(word));
  }
  const files = new Set(segment.files);
  return segment.orders.map((order, number) => ({
    order,
    conversation: segment.conversations[segment.lies[number] ?? -1] ?? "",
    sender: segment.senders[segment.by[number] ?? -1] ?? "",
    sentAt: segment.sentAt[number] ?? 0,
    files: files.has(number),
    words: words[number] ?? [],
  }));
}

/** The numbers of the messages with all of these words, ascending. */
export function matching(segment: SearchSegment, terms: readonly Term[]): readonly number[] {
  // How many of the terms, from the first on, each has.
  const has = new Uint16Array(segment.orders.length);
  for (const [before, { word, prefix }] of terms.entries()) {
    const wanted = prefix ? `|${word}` : `|${word} `;
    let at = segment.words.indexOf(wanted);
    if (at < 0) return [];
    while (segment.words.startsWith(wanted, at)) {
      at = eachNumber(segment.words, segment.words.indexOf(" ", at), (number) => {
        if (has[number] === before) has[number] = before + 1;
      });
    }
  }
  return [...has.keys()].filter((number) => has[number] === terms.length);
}

/** Reads the numbers from a space on. Returns where the next word begins. */
function eachNumber(words: string, space: number, found: (number: number) => void): number {
  const next = words.indexOf("|", space);
  const end = next < 0 ? words.length : next;
  let number = 0;
  for (const distance of words.slice(space + 1, end).split(" ")) {
    number += Number.parseInt(distance, 36);
    found(number);
  }
  return end;
}

/**
 * Cuts messages into as many segments as they need. @param docs in order. @param grows they are the newest, and more come after them: all
 * segments but the last are full then, else they are alike.
 */
export function cut(docs: readonly Doc[], grows: boolean): readonly (readonly Doc[])[] {
  const parts = Math.ceil(docs.length / mostDocs);
  const most = grows ? mostDocs : Math.ceil(docs.length / Math.max(1, parts));
  const cuts: Doc[][] = [];
  let letters = 0;
  for (const doc of docs) {
    const part = cuts.at(-1);
    const own = doc.words.reduce((sum, word) => sum + word.length + 3, 0);
    const full = part === undefined || part.length >= most || letters + own > mostLetters;
    // A segment is found by the order of its first message: none may end in the midst of one.
    if (full && part?.at(-1)?.order !== doc.order) {
      cuts.push([doc]);
      letters = own;
    } else {
      part?.push(doc);
      letters += own;
    }
  }
  return cuts;
}

/** Gives each text a number. */
class Numbering {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}
