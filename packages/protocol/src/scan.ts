/**
 * A bound on the work that a protobuf message may cause, checked before anything is allocated for it: a megabyte of
 * two-byte fields costs a parser a second and a hundred megabytes, this scan a few milliseconds.
 * It is stricter than protobuf asks: nested lengths stay inside their parent, groups are refused, a known field has the
 * wire type of its schema (packed repetition aside, which no schema of ours uses).
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

const VARINT = 0;
const BIT64 = 1;
const LENGTH = 2;
const BIT32 = 5;

/** What the scan found wrong; undefined when the message may be parsed. */
export type ScanProblem = "malformed" | "too_large" | undefined;

/**
 * Walks one serialized message, nested ones included.
 * @param maxFields most fields, known and unknown, at all depths together.
 * @returns `too_large` for more fields than that, `malformed` for bytes that are no such message.
 */
export function scanMessage(schema: DescMessage, bytes: Uint8Array, maxFields: number): ScanProblem {
  const scan = new Scan(bytes, maxFields);
  return scan.message(schema, bytes.length) ? undefined : scan.problem;
}

class Scan {
  problem: "malformed" | "too_large" = "malformed";
  private position = 0;
  private readonly bytes: Uint8Array;
  private fieldsLeft: number;

  constructor(bytes: Uint8Array, maxFields: number) {
    this.bytes = bytes;
    this.fieldsLeft = maxFields;
  }

  message(schema: DescMessage, end: number): boolean {
    const fields = fieldsOf(schema);
    while (this.position < end) {
      if (this.fieldsLeft-- === 0) {
        this.problem = "too_large";
        return false;
      }
      const tag = this.varint(end);
      const number = Math.floor(tag / 8);
      if (tag < 0 || number === 0 || tag > 0xffffffff) return false;
      if (!this.value(fields.get(number), tag % 8, end)) return false;
    }
    return true;
  }

  private value(field: DescField | undefined, wireType: number, end: number): boolean {
    if (field !== undefined && wireType !== wireTypeOf(field)) return false;
    if (wireType === VARINT) return this.varint(end) >= 0;
    if (wireType === BIT64) return this.skip(8, end);
    if (wireType === BIT32) return this.skip(4, end);
    if (wireType !== LENGTH) return false;
    const length = this.varint(end);
    if (length < 0 || length > end - this.position) return false;
    if (field?.message) return this.message(field.message, this.position + length);
    return this.skip(length, end);
  }

  private skip(length: number, end: number): boolean {
    this.position += length;
    return this.position <= end;
  }

  /** The value of a varint of at most ten bytes, exact up to 2^53; -1 when there is none before `end`. */
  private varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10 && this.position < end; i++) {
      const byte = this.bytes[this.position++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return -1;
  }
}

const fieldMaps = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  let fields = fieldMaps.get(schema);
  if (fields === undefined) {
    fields = new Map(schema.fields.map((field) => [field.number, field]));
    fieldMaps.set(schema, fields);
  }
  return fields;
}

function wireTypeOf(field: DescField): number {
  if (field.message !== undefined) return LENGTH;
  if (field.enum !== undefined) return VARINT;
  switch (field.scalar) {
    case ScalarType.BYTES:
    case ScalarType.STRING:
      return LENGTH;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BIT64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return BIT32;
    default:
      return VARINT;
  }
}
