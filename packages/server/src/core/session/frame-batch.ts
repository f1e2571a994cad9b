/**
 * The frames that wait to be sent over one connection, and their serialization as ServerFrames.
 *
 * Appended and Entries are most of what a server says, so they are written by hand into one exactly sized buffer: the
 * generated encoder takes five times as long for them. A test shows that the bytes are the same.
 */
import { LIMITS } from "@sotto/protocol";
import type { OutgoingEntry } from "./ports.ts";
import { putBytes, putField, putVarint, varintBytes } from "./wire.ts";

/** Everything after this many bytes or fields goes into another message, so that no message reaches the limits. */
const fullBytes = LIMITS.maxMessageBytes / 2;
const fullFields = LIMITS.maxFieldsPerMessage / 2;
/** Fields that an entry makes at most: itself and its four members. */
const fieldsPerEntry = 5;

interface AppendedItem {
  readonly type: "appended";
  readonly size: number;
  readonly fields: number;
  readonly request: number;
  readonly seq: number;
}
interface EntriesItem {
  readonly type: "entries";
  /** Size of the Entries message. */
  size: number;
  fields: number;
  readonly log: Uint8Array;
  readonly entries: OutgoingEntry[];
}
interface RawItem {
  readonly type: "raw";
  readonly size: number;
  readonly fields: number;
  readonly frame: Uint8Array;
}
type Item = AppendedItem | EntriesItem | RawItem;

// Numbers of fields with wire type 2 (length-delimited) or 0 (varint), as one byte each.
const framesTag = (1 << 3) | 2;
const appendedTag = (3 << 3) | 2;
const entriesTag = (4 << 3) | 2;
const requestTag = 1 << 3;
const appendedSeqTag = 2 << 3;
const logTag = (1 << 3) | 2;
const entryTag = (2 << 3) | 2;
const seqTag = 1 << 3;
const epochTag = 2 << 3;
const kindTag = 3 << 3;
const bodyTag = (4 << 3) | 2;

/** Frames of one connection, in order, until they are taken as messages. */
export class FrameBatch {
  #items: Item[] = [];
  #bytes = 0;

  /** About how many bytes wait. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** @param request not 0. */
  appended(request: number, seq: number): void {
    const size = 1 + varintBytes(request) + (seq === 0 ? 0 : 1 + varintBytes(seq));
    this.#push({ type: "appended", size, fields: 4, request, seq });
  }

  entries(log: Uint8Array, entries: readonly OutgoingEntry[]): void {
    let item: EntriesItem | undefined;
    for (const entry of entries) {
      const inner = entryBytes(entry);
      const size = 1 + varintBytes(inner) + inner;
      if (item === undefined || item.size + size > fullBytes || item.fields + fieldsPerEntry > fullFields) {
        item = { type: "entries", size: 2 + log.length, fields: 3, log, entries: [] };
        this.#push(item);
      }
      item.entries.push(entry);
      item.size += size;
      item.fields += fieldsPerEntry;
      this.#bytes += size;
    }
  }

  /** A serialized ServerFrame. @param fields that it has at most. */
  frame(frame: Uint8Array, fields = 64): void {
    this.#push({ type: "raw", size: frame.length, fields, frame });
  }

  #push(item: Item): void {
    this.#items.push(item);
    this.#bytes += item.size + 8;
  }

  /**
   * Takes what waits, as serialized ServerFrames.
   * @param allocate gives a buffer of this length, which need not be zeroed; or a longer one, whose end becomes the message.
   */
  take(allocate: (length: number) => Uint8Array): Uint8Array[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    const messages: Uint8Array[] = [];
    let from = 0;
    while (from < items.length) {
      let bytes = 0;
      let fields = 0;
      let to = from;
      for (; to < items.length && to - from < LIMITS.maxFramesPerMessage; to++) {
        const item = items[to] as Item;
        if (to > from && (bytes + item.size > fullBytes || fields + item.fields > fullFields)) break;
        bytes += frameBytes(item);
        fields += item.fields;
      }
      const out = allocate(bytes);
      serialize(items, from, to, out, out.length - bytes);
      messages.push(out);
      from = to;
    }
    return messages;
  }
}

/** Size of an item as an element of ServerFrames.frames, tag and length included. */
function frameBytes(item: Item): number {
  const frame = innerBytes(item);
  return 1 + varintBytes(frame) + frame;
}

/** Size of the ServerFrame. */
function innerBytes(item: Item): number {
  return item.type === "raw" ? item.size : 1 + varintBytes(item.size) + item.size;
}

function entryBytes({ seq, epoch, kind, body }: OutgoingEntry): number {
  return (
    (seq === 0 ? 0 : 1 + varintBytes(seq)) +
    (epoch === 0 ? 0 : 1 + varintBytes(epoch)) +
    (kind === 0 ? 0 : 1 + varintBytes(kind)) +
    (body.length === 0 ? 0 : 1 + varintBytes(body.length) + body.length)
  );
}

function serialize(items: readonly Item[], from: number, to: number, out: Uint8Array, start: number): void {
  let at = start;
  for (let i = from; i < to; i++) {
    const item = items[i] as Item;
    out[at++] = framesTag;
    at = putVarint(out, at, innerBytes(item));
    if (item.type === "raw") {
      out.set(item.frame, at);
      at += item.size;
    } else if (item.type === "appended") {
      out[at++] = appendedTag;
      at = putVarint(out, at, item.size);
      at = putField(out, at, requestTag, item.request);
      at = putField(out, at, appendedSeqTag, item.seq);
    } else {
      out[at++] = entriesTag;
      at = putVarint(out, at, item.size);
      at = putEntries(out, at, item);
    }
  }
}

function putEntries(out: Uint8Array, start: number, item: EntriesItem): number {
  let at = putBytes(out, start, logTag, item.log);
  for (const entry of item.entries) {
    out[at++] = entryTag;
    at = putVarint(out, at, entryBytes(entry));
    at = putField(out, at, seqTag, entry.seq);
    at = putField(out, at, epochTag, entry.epoch);
    at = putField(out, at, kindTag, entry.kind);
    if (entry.body.length > 0) at = putBytes(out, at, bodyTag, entry.body);
  }
  return at;
}
